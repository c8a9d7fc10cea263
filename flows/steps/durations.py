"""How long the steps of the last good nights took, so that a slow step raises an alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.domain.durations import slow_steps
from components.domain.params import Params
from components.files import replace_text
from flows.environment import STATE
from flows.steps.alarms import raise_alarm

FILE = STATE / "night-seconds.jsonl"
NIGHTS = 30  # that it holds


def compare(params: Params, seconds: Mapping[str, float], ran: Mapping[str, bool]) -> None:
    """Raises an alarm for each step that took far longer than in the last nights, and records tonight's.

    Args:
        params: Settings of the night.
        seconds: Duration of each step in seconds.
        ran: For steps that may find their work done already, whether they had anything to do.
    """
    tonight = {step: round(duration, 1) for step, duration in seconds.items() if ran.get(step, True)}
    earlier = _earlier()
    for sentence in slow_steps(earlier, tonight, params.alarms.max_slowdown):
        raise_alarm("night slow", sentence)
    lines = [json.dumps(night) for night in [*earlier, tonight][-NIGHTS:]]
    replace_text(FILE, "".join(f"{line}\n" for line in lines))


def last() -> dict[str, float]:
    """Looks up the seconds of each step, in the last good night in which the step had anything to do."""
    return {step: seconds for night in _earlier() for step, seconds in night.items()}


def _earlier() -> list[dict[str, float]]:
    """Reads the seconds by step of the last nights, oldest first; skips torn lines."""
    nights = []
    for line in FILE.read_text(encoding="utf-8", errors="replace").splitlines() if FILE.exists() else ():
        try:
            nights.append({str(step): float(seconds) for step, seconds in json.loads(line).items()})
        except (ValueError, TypeError, AttributeError):
            continue
    return nights
