"""How this clone's last night ended, also if it failed or was killed, and when the last good one did.

The branch `nights` has only complete nights.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from components.domain.errors import PalateError
from components.domain.params import Params
from components.files import DamagedFile, read_as, sentence_of, write_state
from components.integrations.model_registry.registry import failures_as_sentences
from components.integrations.model_registry.runs import FAILED, KILLED
from flows.alarms import check_disk, raise_alarm, sentence_on
from flows.environment import STATE, is_running, this_process
from flows.registry import runs

logger = logging.getLogger(__name__)
LAST_RUN = STATE / "last-night.json"
LAST_GOOD = STATE / "last-good-night"  # an empty file whose time is that of its end


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """Records for `make status` when the block began and how it ended.

    Ends MLflow's runs of an earlier night that was killed, and tonight's runs if the block fails, so that no
    run stays Running for ever.
    """
    began = datetime.now().astimezone().isoformat(" ", "minutes")
    _write({"key": key(), "began": began, **this_process(), "outcome": ""})
    _end_and_record(KILLED)
    outcome = "it was stopped"
    try:
        yield
    except Exception as error:
        outcome = f"it failed: {sentence_on(error)}"
        _end_and_record(FAILED)
        raise
    except BaseException:
        _end_and_record(KILLED)
        raise
    else:
        record_key("")
        outcome = "it ended well"
    finally:
        try:
            _write({**_last(), "outcome": outcome})
        except OSError as error:  # a full disk, say, which must not hide how the night ended
            logger.warning("how the night ended could not be recorded (%s): %s", sentence_of(error), outcome)


def record_key(night: str) -> None:
    """Records the key of a night whose runs in MLflow may be unfinished; an empty key once they are ended."""
    _write({**_last(), "key": night})


def key() -> str:
    """Looks up the key of the last night whose runs in MLflow may be unfinished; empty if all are ended."""
    return str(_last().get("key", ""))


def killed() -> str | None:
    """Looks up when the last night began, if it was killed; None otherwise.

    It was killed if its end was not recorded and it no longer runs.
    """
    last = _last()
    return str(last["began"]) if last and not last["outcome"] and not is_running(last) else None


def sentence() -> str | None:
    """Writes when the last night began and how it ended; None where no night ran in this clone."""
    last = _last()
    if not last:
        return None
    outcome = last["outcome"] or ("it was killed: run it again" if killed() else "it is running")
    return f"{last['began']}  {outcome}"


def _end_and_record(status: str) -> None:
    if _end_runs(status):
        with contextlib.suppress(OSError):  # a full disk: they are ended once more
            record_key("")


def _end_runs(status: str) -> bool:
    """Ends the runs of the night that is recorded as unfinished; False if there is none, or MLflow fails."""
    night = key()
    if not night:
        return False
    try:
        with failures_as_sentences():
            runs().end_night(night, status)
    except (PalateError, OSError) as error:
        logger.warning("runs in MLflow could not be ended, the next night tries again: %s", error)
        return False
    return True


def look_back(params: Params) -> None:
    """Raises alarms that a night cannot raise itself: it was killed, or none ended well for too long."""
    began = killed()
    if began:
        raise_alarm("night killed", f"The night of {began} was killed: run it again.")
        _end_runs(KILLED)
    if params.alarms.late_h and LAST_GOOD.exists():
        if LAST_GOOD.stat().st_mtime > time.time():  # the clock was moved back: it counts from now
            LAST_GOOD.touch()
        last = last_good()
        if last and datetime.now(UTC) - last > timedelta(hours=params.alarms.late_h):
            raise_alarm("night late", f"No night has ended well since {last:%Y-%m-%d %H:%M} UTC.")
    check_disk(params)


def last_good() -> datetime | None:
    """Reads when the last good night ended, in UTC; None before the first."""
    return datetime.fromtimestamp(LAST_GOOD.stat().st_mtime, UTC) if LAST_GOOD.exists() else None


def _write(record: dict[str, Any]) -> None:
    write_state(LAST_RUN, record)


def _last() -> dict[str, Any]:
    """Reads the record of the last night; empty where no night ran, or where the record is torn."""
    try:
        record = read_as(dict[str, str | int | float], LAST_RUN)
    except (FileNotFoundError, DamagedFile):
        return {}
    return record if {"began", "outcome"} <= record.keys() else {}
