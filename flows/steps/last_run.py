"""How this clone's last night ended, also if it failed or was killed; `nights` has only the complete ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from components.domain.errors import PalateError
from components.files import DamagedFile, read_json, write_json
from flows.environment import STATE, is_running, this_process

LAST_RUN = STATE / "last-night.json"


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """Records for `make status` when the block began and how it ended."""
    start = {"began": datetime.now().astimezone().isoformat(" ", "minutes"), **this_process()}
    write_json(LAST_RUN, {**start, "said": ""})
    outcome = "it was stopped"
    try:
        yield
        outcome = "it ended well"
    except PalateError as error:
        outcome = f"it failed: {error}"
        raise
    except Exception as error:
        outcome = f"it failed: {type(error).__name__}: {error}"
        raise
    finally:
        write_json(LAST_RUN, {**start, "said": outcome})


def killed() -> str | None:
    """When the last night began, if it ended without a word; None if it did not."""
    last = _last()
    return str(last["began"]) if last and not last["said"] and not is_running(last) else None


def sentence() -> str | None:
    """When the last night began and how it ended; None where none ran in this clone."""
    last = _last()
    if not last:
        return None
    outcome = last["said"] or ("it was killed: run it again" if killed() else "it is running")
    return f"{last['began']}  {outcome}"


def _last() -> dict[str, Any]:
    """What was recorded; nothing where no night ran, or where the record is torn, which stops nobody."""
    try:
        return dict(read_json(LAST_RUN))
    except (FileNotFoundError, DamagedFile):
        return {}
