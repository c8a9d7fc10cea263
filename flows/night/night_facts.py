"""data/night.json, the facts of the last night that changed the data, and the moment of tonight."""

from __future__ import annotations

from datetime import UTC, datetime

from components.domain.errors import StageFailed
from components.domain.preferences.limits import CLOCK_SKEW
from components.domain.records import NightFacts
from components.files import read_as
from components.stages.paths import NIGHT
from flows.environment import REPO


def facts_of_last_night() -> NightFacts | None:
    """Reads data/night.json, the facts of the last night that changed the data; None before the first."""
    return read_as(NightFacts, REPO / NIGHT) if (REPO / NIGHT).exists() else None


def now_of() -> datetime:
    """Reads the clock, and refuses a clock that was moved back.

    With such a clock rows of the past would count as rows of the future, and be quarantined.

    Raises:
        StageFailed: The last collection lies ahead of now by more than CLOCK_SKEW.
    """
    moment = datetime.now(UTC)
    facts = facts_of_last_night()
    last = datetime.fromisoformat(facts.collected_at) if facts else moment
    if last - moment > CLOCK_SKEW:
        raise StageFailed(
            f"The clock says {moment:%Y-%m-%d %H:%M} UTC, and data were collected at {last:%Y-%m-%d %H:%M} "
            f"already: set it right. If it was wrong then, remove {NIGHT} and run again."
        )
    return moment
