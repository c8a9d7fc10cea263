"""What a night is: its settings and data version, the facts of the night before, and one at a time."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from components.domain.errors import PalateError, StageFailed
from components.domain.params import Params
from components.domain.params_file import read_params
from components.domain.preferences.limits import CLOCK_SKEW
from components.domain.records import NightFacts
from components.files import read_as
from components.integrations.model_registry.registry import failures_as_sentences
from components.stages.paths import NIGHT
from flows import last_night
from flows.environment import REPO, STATE
from flows.lock import one_at_a_time


@dataclass(frozen=True)
class Night:
    """Tonight's settings and data; every later step reads them from here.

    Attributes:
        params: Validated params.yaml, the user's overrides included.
        key: Name of the night in MLflow. Equal data and params are the same night, however often it starts.
        data_md5: DVC's hash of data/events.
        quarantine_md5: DVC's hash of data/quarantine.
        events: Number of accepted events.
        feedback_events: Number of these that come from the service's feedback.
        unchanged_days: Whole days since the night that last changed the data.
    """

    params: Params
    key: str
    data_md5: str
    quarantine_md5: str
    events: int
    feedback_events: int = 0
    unchanged_days: int = 0


def key_of(data_md5: str) -> str:
    """Builds the key of a night on this data with params.yaml as it is now."""
    params_sha256 = hashlib.sha256((REPO / "params.yaml").read_bytes()).hexdigest()
    return f"{data_md5[:12]}-{params_sha256[:12]}"


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Holds the night's lock, records how the night ends, and turns MLflow's failures into sentences."""
    with one_at_a_time(STATE, "night", wait=_waits()), last_night.recorded(), failures_as_sentences():
        yield


def _waits() -> bool:
    """Tells whether a night waits for another one.

    Errors of params.yaml are reported when the night reads it.
    """
    try:
        return read_params(REPO / "params.yaml").up.if_busy == "wait"
    except PalateError:
        return False


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
