"""What Prefect and MLflow are told: pools, deployments, how zombies end, the webhook."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.files import read_json, write_json
from components.integrations.model_registry.registry import ALIAS_MOVED
from flows.environment import HEARTBEAT_S, REPO, STATE
from flows.steps.registration import registry

PROCESS, KUBERNETES = "process", "kubernetes"  # work pools, and their types
JOB_TEMPLATE = REPO / "deploy" / "pipeline" / "job-template.json"
CLONE_OF_JOBS = "/palate/clone"  # where the template mounts it
ZOMBIES = "palate: a run without heartbeat has crashed"
NO_HEARTBEAT = timedelta(seconds=3 * HEARTBEAT_S)


def deploy(params: Params, pool: str, image: str = "") -> None:
    """Makes the work pools and all deployments of prefect.yaml, with the times of params.yaml.

    Args:
        params: Say when.
        pool: Where nights go: `process`, in this clone on the worker's machine, or `kubernetes`, Jobs in
            the clone on the cluster's volume. Releases always go to `process`.
        image: Of these Jobs, by its digest; empty where none runs.

    Raises:
        StageFailed: Prefect's last words.
    """
    at = params.up
    env = {
        "PALATE_POOL": pool,
        "PALATE_REPO": str(REPO) if pool == PROCESS else CLONE_OF_JOBS,
        "PALATE_RELEASE_REPO": str(REPO),
        "PALATE_NIGHTLY_CRON": at.nightly_cron,
        "PALATE_WEEKLY_CRON": at.weekly_full_cron,
        "PALATE_TIMEZONE": at.timezone,
    }
    _prefect("work-pool", "create", PROCESS, "--type", PROCESS, "--overwrite", env=env)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        template = read_json(JOB_TEMPLATE)
        if image:
            template["variables"]["properties"]["image"]["default"] = image
        write_json(Path(folder) / "template.json", template)
        named = ["--type", KUBERNETES, "--base-job-template", str(Path(folder) / "template.json")]
        _prefect("work-pool", "create", KUBERNETES, *named, "--overwrite", env=env)
    _prefect("deploy", "--all", env=env)
    _end_zombies()


def _prefect(*command: str, env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *command],
        cwd=REPO, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        words = " ".join((done.stdout + done.stderr).split()[-60:])
        raise StageFailed(f"`prefect {' '.join(command)}` ended with {done.returncode}: {words}")


def _end_zombies() -> None:
    """Without this a night that was killed with its runner stays Running for ever, and holds its slot."""
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    told = "no heartbeat: its runner was killed"
    crash = ChangeFlowRunState(name=None, state=StateType.CRASHED, message=told, force=False)
    try:
        Automation.read(name=ZOMBIES)  # type: ignore[unused-coroutine]  # sync where no loop runs
    except ValueError:
        Automation(
            name=ZOMBIES,
            trigger=EventTrigger(
                after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.heartbeat", "prefect.flow-run.Completed", "prefect.flow-run.Failed",
                        "prefect.flow-run.Cancelled", "prefect.flow-run.Crashed"},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=NO_HEARTBEAT,
            ),
            actions=[crash],
        ).create()  # fmt: skip


def hint_by_webhook(url: str, secret: str) -> None:
    """Asks MLflow to tell of moved aliases; without it, releases only come up to a minute later."""
    registry().ensure_webhook("palate-release", url, ALIAS_MOVED, secret)
