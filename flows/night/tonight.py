"""What a night is: its settings and data version, fixed once, and the lock that allows one at a time."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from components.domain.errors import PalateError
from components.domain.params import Params
from components.domain.params_file import read_params
from components.integrations.model_registry.registry import failures_as_sentences
from flows import environment, last_night
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
    params_sha256 = hashlib.sha256((environment.REPO / "params.yaml").read_bytes()).hexdigest()
    return f"{data_md5[:12]}-{params_sha256[:12]}"


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Holds the night's lock, records how the night ends, and turns MLflow's failures into sentences.

    Ends MLflow's runs that this night or a killed one leaves unfinished.
    """
    with (
        one_at_a_time(environment.STATE, "night", wait=_waits()),
        last_night.recorded(),
        failures_as_sentences(),
        last_night.without_unfinished_runs(),
    ):
        yield


def _waits() -> bool:
    """Tells whether a night waits for another one.

    Errors of params.yaml are reported when the night reads it.
    """
    try:
        return read_params(environment.REPO / "params.yaml").up.if_busy == "wait"
    except PalateError:
        return False
