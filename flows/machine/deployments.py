"""What Prefect stores for Palate: work pools, deployments and automations."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.files import read_json, write_json
from flows.environment import HEARTBEAT_S, REPO, STATE

PROCESS, KUBERNETES = "process", "kubernetes"  # names of the work pools, and their types
JOB_TEMPLATE = REPO / "deploy" / "pipeline" / "job-template.json"
GPU_OF_JOBS = REPO / "deploy" / "components" / "gpu" / "job.json"
CLONE_OF_JOBS = "/palate/clone"  # folder of the clone in a Job's container, as in the template
ZOMBIES = "palate: a run without heartbeat has crashed"  # name of an automation
NOT_BEGUN = "palate: a run that does not begin has crashed"  # name of another
NO_POD = "palate: a run that gets no pod has crashed"  # name of a third
NOT_STOPPED = "palate: a run that is to stop and does not is cancelled"  # name of a fourth
NIGHTS = "nightly/nightly", "nightly/weekly-full"  # deployments of which one runs at a time
ONE_NIGHT = "palate-night"  # their limit on Prefect's page "Concurrency"
IF_BUSY = {"skip": "CANCEL_NEW", "wait": "ENQUEUE"}  # Prefect's words for those of `up.if_busy`
NO_HEARTBEAT, NO_START = timedelta(seconds=3 * HEARTBEAT_S), timedelta(minutes=3)
NO_JOB = timedelta(minutes=30)  # from a worker's claim to the Job's pod; the next worker sees one that waits


def deploy(params: Params, pool: str, image: str = "", *, gpu: bool = False) -> None:
    """Creates the work pools in use, the deployments with their limits, and automations for dead runs.

    Args:
        params: Settings; the schedules are those of the section `up`.
        pool: Work pool of the nights: `process` runs them in this clone on the worker's machine, `kubernetes`
            as Jobs in the clone on the cluster's volume. Releases always run in `process`.
        image: Image of these Jobs, by its digest; empty for the pool `process`.
        gpu: Whether these Jobs ask for a GPU.

    Raises:
        StageFailed: Prefect refused a command; the message ends with its last 60 words.
    """
    schedules = params.up
    env = {
        "PALATE_POOL": pool,
        "PALATE_REPO": str(REPO) if pool == PROCESS else CLONE_OF_JOBS,
        "PALATE_RELEASE_REPO": str(REPO),
        "PALATE_NIGHTLY_CRON": schedules.nightly_cron,
        "PALATE_WEEKLY_CRON": schedules.weekly_full_cron,
        "PALATE_IF_BUSY": IF_BUSY[schedules.if_busy],
        "PALATE_TIMEZONE": params.schedule_timezone,
    }
    _prefect("work-pool", "create", PROCESS, "--type", PROCESS, "--overwrite", env=env)
    if pool == KUBERNETES:  # elsewhere nothing would take its runs, and Prefect's page would show it in red
        with tempfile.TemporaryDirectory(dir=STATE) as folder:
            path = Path(folder) / "template.json"
            write_json(path, job_template(image, gpu=gpu))
            options = ("--type", KUBERNETES, "--base-job-template", str(path))
            _prefect("work-pool", "create", KUBERNETES, *options, "--overwrite", env=env)
    _prefect("deploy", "--all", env=env)
    _share_one_limit()
    end_dead_runs()


def job_template(image: str, *, gpu: bool = False) -> dict[str, Any]:
    """Reads the template of which Prefect's Kubernetes worker makes the Jobs of nights, and fills it in.

    Args:
        image: Image of the Jobs, by its digest; empty for the name in the template.
        gpu: Whether the Jobs ask for a GPU, as `deploy/components/gpu` says. Never run: no GPU node was at
            hand.
    """
    template: dict[str, Any] = read_json(JOB_TEMPLATE)
    defaults = ({"image": image} if image else {}) | (read_json(GPU_OF_JOBS) if gpu else {})
    for name, value in defaults.items():
        template["variables"]["properties"][name]["default"] = value
    return template


def _prefect(*arguments: str, env: dict[str, str]) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=REPO, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if process.returncode:
        words = " ".join((process.stdout + process.stderr).split()[-60:])
        raise StageFailed(f"`prefect {' '.join(arguments)}` ended with {process.returncode}: {words}")


def _share_one_limit() -> None:
    """Lets the deployments of nights share one limit, instead of having one each."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(ONE_NIGHT, 1)
        shared = {
            "global_concurrency_limit_id": str(client.read_global_concurrency_limit_by_name(ONE_NIGHT).id)
        }
        for name in NIGHTS:
            night = client.read_deployment_by_name(name).id
            client.request("PATCH", "/deployments/{id}", path_params={"id": night}, json=shared)
            with suppress(ObjectNotFound):  # the one that `prefect deploy` made
                client.delete_global_concurrency_limit_by_name(f"deployment:{night}")


def end_dead_runs(
    no_heartbeat: timedelta = NO_HEARTBEAT, no_start: timedelta = NO_START, no_job: timedelta = NO_JOB
) -> None:
    """Creates automations that mark a run as crashed once its process was killed, before or after its start.

    Without them a killed night would stay Running for ever and block the nights after it. A killed pass would
    stay Pending and keep the watcher from starting another. In the pool `kubernetes` a run that has a pod may
    wait for a node (InfrastructurePending). There a run is ended only if it gets no pod.

    Args:
        no_heartbeat: Time without a heartbeat after which a run is dead.
        no_start: Time from a worker's claim to the run's start, in the pool `process`.
        no_job: Time from a worker's claim to the Job's pod, in the pool `kubernetes`.
    """
    heartbeat, begun = _events("heartbeat"), _events("Running")
    ended = _events("Completed", "Failed", "Cancelled", "Crashed")
    message = "no heartbeat: its runner was killed"
    _end(ZOMBIES, message, after=begun | heartbeat, expect=heartbeat | ended, within=no_heartbeat)
    claimed, has_pod = _events("Pending", "Submitting"), _events("InfrastructurePending")
    pool = {"prefect.resource.role": "work-pool", "prefect.work-pool.type": PROCESS}
    message = "it has not begun: its worker was killed"
    expected = begun | ended
    _end(NOT_BEGUN, message, after=claimed | has_pod, expect=expected, within=no_start, match_related=pool)
    pool = pool | {"prefect.work-pool.type": KUBERNETES}
    message = "it has no pod: its worker was killed before it made the Job"
    _end(NO_POD, message, after=claimed, expect=has_pod | expected, within=no_job, match_related=pool)
    # The worker watches for this only until it has made the Job.
    absence = {"after": _events("Cancelling"), "expect": ended, "within": no_start, "match_related": pool}
    _end(NOT_STOPPED, "it was cancelled before its pod ran", state="CANCELLED", **absence)


def _events(*states: str) -> set[str]:
    """Builds the names by which Prefect's events call these states of a run."""
    return {f"prefect.flow-run.{state}" for state in states}


def _end(name: str, message: str, state: str = "CRASHED", **absence: Any) -> None:
    """Creates an automation that ends a run, unless an automation of that name exists.

    Args:
        message: What the state of an ended run says.
        state: Type of the state that the run gets.
        absence: Arguments of Prefect's EventTrigger: events `after` which it expects others `within` a time.
    """
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    try:
        Automation.read(name=name)  # type: ignore[unused-coroutine]  # no coroutine outside an event loop
    except ValueError:
        run = "prefect.resource.id"
        Automation(
            name=name,
            trigger=EventTrigger(
                match={run: "prefect.flow-run.*"},
                for_each={run},
                posture=Posture.Proactive,
                threshold=1,
                **absence,
            ),
            actions=[ChangeFlowRunState(name=None, state=StateType(state), message=message, force=False)],
        ).create()
