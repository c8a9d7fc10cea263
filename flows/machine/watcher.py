"""Starts a release pass where something differs from what the last pass saw; looking is cheap.

Passes also run each half hour (prefect.yaml), for changes that looking cannot see, such as a damaged
Bento.
"""

from __future__ import annotations

import contextvars
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun

from components.domain.errors import PalateError
from components.domain.params_file import read_params
from components.integrations.model_registry.registry import failures_as_sentences
from flows import alarms, console, last_night
from flows.environment import REPO
from flows.release import last_pass

FIRST_PAUSE, LONGEST_PAUSE_S = 4, 1800  # looks, and seconds, until a pass is tried again; doubled each time
TROUBLE = "trouble"  # the only name in a situation that cannot be looked at
RELEASE = "release/release"
NIGHTS = ["nightly", "weekly-full"]  # deployments
SKIPPED_WITHIN = timedelta(hours=12)  # of now; less than the hours after which an alarm comes again
UNDER_WAY = ["SCHEDULED", "PENDING", "RUNNING"]  # types of states


@dataclass
class Tries:
    """The passes started in one situation; the pause before the next one doubles with each.

    Attributes:
        situation: Situation in which the passes were started.
        pause_s: Seconds from the last pass to the next.
        next_at: Moment of the next pass, seconds on the monotonic clock.
    """

    situation: dict[str, Any]
    pause_s: float
    next_at: float = 0.0

    def are_due(self, now: float) -> bool:
        """Tells whether another pass may be started now."""
        return now >= self.next_at

    def one_more(self, now: float) -> None:
        """Counts a pass that was started now, and doubles the pause before the next."""
        self.next_at = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)


def start(end: threading.Event, look_s: float) -> None:
    """Starts `run` in a thread, with the settings of Prefect that hold in the caller's block."""
    # Daemon, since its calls may hang.
    threading.Thread(target=contextvars.copy_context().run, args=(run, end, look_s), daemon=True).start()


def run(end: threading.Event, look_s: float) -> None:
    """Looks again and again for a reason to start a pass, and prints what it starts and what fails.

    Args:
        end: Once it is set, no pass is started any more.
        look_s: Seconds between two looks, `up.look_s`.
    """
    tries, trouble = dict[bool, Tries](), ""
    while not end.wait(look_s):
        try:
            _look(tries, end, FIRST_PAUSE * look_s)
            _tell_of_skipped_nights()
            trouble = ""
        except Exception as error:  # noqa: BLE001  # Prefect's server may be down, which must not end this
            if str(error) != trouble:
                trouble = str(error)
                console.show(f"no release pass could be started, it is tried again: {trouble}")


def tries_in(situation: dict[str, Any], tries: dict[bool, Tries], first_pause_s: float) -> Tries:
    """Finds the tries in a situation; begins new ones where the situation differs from the one before.

    Args:
        situation: What `last_pass.situation` saw, or TROUBLE.
        tries: The last tries, by whether anything could be seen: a store that does not answer for a moment
            must not make a failing pass begin anew with short pauses. New ones are added.
        first_pause_s: Seconds from the first of new tries to the second.
    """
    is_seen = TROUBLE not in situation
    if is_seen not in tries or situation != tries[is_seen].situation:
        tries[is_seen] = Tries(situation, first_pause_s)
    return tries[is_seen]


def _look(tries: dict[bool, Tries], end: threading.Event, first_pause_s: float) -> None:
    """Starts a pass where one is due.

    Args:
        tries: As for `tries_in`; emptied where nothing differs.
        end: Once it is set, no pass is started any more.
        first_pause_s: As for `tries_in`.
    """
    situation, before = _situation(), last_pass.last()
    if situation == before:
        tries.clear()
        return
    here = tries_in(situation, tries, first_pause_s)
    if not end.is_set() and here.are_due(time.monotonic()) and not _is_under_way():
        names = [name for name in situation if situation[name] != before.get(name)]
        console.show(f"a release pass starts: {', '.join(names)} changed")
        _start_pass()
        here.one_more(time.monotonic())


def _situation() -> dict[str, Any]:
    """Looks up the situation; TROUBLE where that fails, since a pass then says why in its alarm."""
    try:
        with failures_as_sentences():
            params = read_params(REPO / "params.yaml")
            last_night.look_back(params)
            return last_pass.situation(params)
    except (PalateError, OSError) as error:
        return {TROUBLE: type(error).__name__}


def _is_under_way() -> bool:
    """Tells whether a pass of the deployment runs or waits, whoever started it."""
    scheduled_by_now = {"before_": datetime.now(UTC)}
    unfinished = {"state": {"type": {"any_": UNDER_WAY}}, "expected_start_time": scheduled_by_now}
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter.model_validate({"name": {"any_": ["release"]}}),
            flow_run_filter=FlowRunFilter.model_validate(unfinished),
            limit=1,
        )
    return bool(runs)


def _tell_of_skipped_nights() -> None:
    """Raises an alarm for each night that Prefect cancelled before it began, as `up.if_busy: skip` asks."""
    for run in _skipped_nights():
        reason = (run.state and run.state.message) or "cancelled"
        alarms.raise_alarm(
            "night skipped",
            f"The night of {run.expected_start_time:%Y-%m-%d %H:%M} UTC did not run ({reason.rstrip('.')}): "
            "another one was running, or somebody cancelled it. The next one takes its data in.",
        )


def _skipped_nights() -> list[FlowRun]:
    cancelled = {
        "state": {"type": {"any_": ["CANCELLED"]}},
        "expected_start_time": {"after_": datetime.now(UTC) - SKIPPED_WITHIN},
    }
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter.model_validate({"name": {"any_": NIGHTS}}),
            flow_run_filter=FlowRunFilter.model_validate(cancelled),
        )
    return [run for run in runs if not run.run_count]


def _start_pass() -> None:
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(RELEASE)
        client.create_flow_run_from_deployment(deployment.id, tags=["watcher"])
