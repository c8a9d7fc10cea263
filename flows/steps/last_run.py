"""How the last night of this clone ended, failed and killed ones too: the branch of nights has whole ones."""

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
    """Records when a night began and how it ended, for `make status`."""
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


def sentence() -> str | None:
    """One sentence on the last night; None where none ran here."""
    if not LAST_RUN.exists():
        return None
    last = read_json(LAST_RUN)
    outcome = last["said"] or ("it is running" if is_running(last) else "it was killed: run it again")
    return f"{last['began']}  {outcome}"
