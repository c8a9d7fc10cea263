"""What ends a good night: alarms for what it leaves to people and for slow steps, and the dead-man URL."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from http.client import HTTPException

from components.domain.durations import slow_steps
from components.domain.params import Params
from components.files import replace_text
from components.integrations import alarms
from flows import last_night
from flows.alarms import check_disk, raise_alarm
from flows.environment import STATE
from flows.night.tonight import Night
from flows.registry import Registered

logger = logging.getLogger(__name__)
DEAD_MAN = "PALATE_DEAD_MAN"  # variable for a URL that holds a secret
DURATIONS = STATE / "night-seconds.jsonl"
NIGHTS = 30  # that it holds


def raise_alarms(params: Params, night: Night, registered: Registered) -> None:
    """Raises alarms for what a good night leaves to people, and calls the dead-man URL."""
    if registered.new and registered.passed and registered.champion != registered.version:
        raise_alarm(
            "a version waits",
            f"Version {registered.version} passed the gate: give it the alias champion, or leave it.",
        )
    if night.unchanged_days >= params.check.max_unchanged_days:
        raise_alarm(
            "nothing new",
            f"The inbox {params.collect.inbox} has brought nothing for {night.unchanged_days} days.",
        )
    check_disk(params)
    last_night.LAST_GOOD.touch()
    address = os.environ.get(DEAD_MAN, params.alarms.dead_man)
    if address:
        try:
            alarms.call(address)
        except (OSError, ValueError, HTTPException) as error:  # not reached, or no URL at all
            logger.warning("the dead-man URL was not reached: %s", error)


def compare_durations(seconds: Mapping[str, float], ran: Mapping[str, bool]) -> None:
    """Raises an alarm for each step that took far longer than in the last nights, and records tonight's.

    Args:
        seconds: Duration of each step in seconds.
        ran: For steps that may find their work done already, whether they had anything to do.
    """
    tonight = {step: round(duration, 1) for step, duration in seconds.items() if ran.get(step, True)}
    earlier = _earlier()
    for sentence in slow_steps(earlier, tonight):
        raise_alarm("night slow", sentence)
    lines = [json.dumps(night) for night in [*earlier, tonight][-NIGHTS:]]
    replace_text(DURATIONS, "".join(f"{line}\n" for line in lines))


def last_durations() -> dict[str, float]:
    """Looks up the seconds of each step, in the last good night in which the step had anything to do."""
    return {step: seconds for night in _earlier() for step, seconds in night.items()}


def _earlier() -> list[dict[str, float]]:
    """Reads the seconds by step of the last nights, oldest first; skips torn lines."""
    nights = []
    for line in (
        DURATIONS.read_text(encoding="utf-8", errors="replace").splitlines() if DURATIONS.exists() else ()
    ):
        try:
            nights.append({str(step): float(seconds) for step, seconds in json.loads(line).items()})
        except (ValueError, TypeError, AttributeError):
            continue
    return nights
