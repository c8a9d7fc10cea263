"""Ends MLflow's runs of nights that failed or were killed, so that no run stays Running for ever."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from components.domain.errors import PalateError
from components.integrations.model_registry.registry import failures_as_sentences
from components.integrations.model_registry.runs import FAILED, KILLED
from flows.steps import last_run
from flows.steps.registration import runs

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """Ends the runs of an earlier night that was killed, and tonight's runs if the block fails."""
    _end_and_record(KILLED)
    try:
        yield
    except Exception:
        _end_and_record(FAILED)
        raise
    except BaseException:
        _end_and_record(KILLED)
        raise
    last_run.record_key("")


def end(status: str) -> bool:
    """Ends the runs of the night that is recorded as unfinished; False if there is none, or MLflow fails."""
    night = last_run.key()
    if not night:
        return False
    try:
        with failures_as_sentences():
            runs().end_night(night, status)
    except (PalateError, OSError) as error:
        logger.warning("runs in MLflow could not be ended, the next night tries again: %s", error)
        return False
    return True


def _end_and_record(status: str) -> None:
    if end(status):
        with contextlib.suppress(OSError):  # a full disk: they are ended once more
            last_run.record_key("")
