"""How this clone's last night ended, also if it failed or was killed; `nights` has only the complete ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

from components.domain.errors import PalateError
from components.files import read_json, write_json
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


def was_killed() -> bool:
    """Whether the last night ended without a word."""
    last = read_json(LAST_RUN) if LAST_RUN.exists() else {}
    return bool(last) and not last["said"] and not is_running(last)


def began() -> str:
    """When the last night began."""
    return str(read_json(LAST_RUN)["began"])


def sentence() -> str | None:
    """When the last night began and how it ended; None where none ran in this clone."""
    if not LAST_RUN.exists():
        return None
    last = read_json(LAST_RUN)
    outcome = last["said"] or ("it was killed: run it again" if was_killed() else "it is running")
    return f"{last['began']}  {outcome}"
