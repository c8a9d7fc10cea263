"""How this clone's last night ended, also if it failed or was killed; `nights` has only complete ones."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from components.domain.errors import PalateError
from components.files import DamagedFile, read_as, sentence_of, write_state
from flows.environment import STATE, is_running, this_process

logger = logging.getLogger(__name__)
LAST_RUN = STATE / "last-night.json"


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """Records for `make status` when the block began and how it ended."""
    began = datetime.now().astimezone().isoformat(" ", "minutes")
    _write({"key": key(), "began": began, **this_process(), "outcome": ""})
    outcome = "it was stopped"
    try:
        yield
        outcome = "it ended well"
    except PalateError as error:
        outcome = f"it failed: {error}"
        raise
    except OSError as error:
        outcome = f"it failed: {sentence_of(error)}"
        raise
    except Exception as error:
        outcome = f"it failed: {type(error).__name__}: {error}"
        raise
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


def _write(record: dict[str, Any]) -> None:
    write_state(LAST_RUN, record)


def _last() -> dict[str, Any]:
    """Reads the record of the last night; empty where no night ran, or where the record is torn."""
    try:
        record = read_as(dict[str, str | int | float], LAST_RUN)
    except (FileNotFoundError, DamagedFile):
        return {}
    return record if {"began", "outcome"} <= record.keys() else {}
