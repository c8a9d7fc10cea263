"""What `make up` tells Prefect and MLflow: pools, deployments, how zombies end, the webhook."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.integrations.model_registry import ALIAS_MOVED
from flows.environment import REPO
from flows.steps.registration import registry

ZOMBIES = "palate: a run without heartbeat has crashed"
NO_HEARTBEAT = timedelta(seconds=90)  # three heartbeats


def deploy(params: Params) -> None:
    """Makes the work pools and all deployments of prefect.yaml, with the times of params.yaml.

    Raises:
        StageFailed: Prefect's last words.
    """
    at = params.up
    env = {
        "PALATE_REPO": str(REPO),
        "PALATE_NIGHTLY_CRON": at.nightly_cron,
        "PALATE_WEEKLY_CRON": at.weekly_full_cron,
        "PALATE_TIMEZONE": at.timezone,
    }
    for pool, kind in (("process", "process"), ("kubernetes", "kubernetes")):
        _prefect("work-pool", "create", pool, "--type", kind, "--overwrite", env=env, check=kind == "process")
    _prefect("deploy", "--all", env=env)
    _end_zombies()


def _prefect(*command: str, env: dict[str, str], check: bool = True) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *command],
        cwd=REPO, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and check:
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
