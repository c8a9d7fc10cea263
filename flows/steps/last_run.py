"""How the last night of this clone ended, failed and killed ones too: the branch of nights has whole ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

from components.domain.errors import PalateError
from components.stages.paths import read_json, write_json
from flows.environment import STATE, is_running, this_process

LAST_RUN = STATE / "last-night.json"


@contextlib.contextmanager
def written_down() -> Iterator[None]:
    """Writes down when a night began, and how it ended."""
    began = {"began": datetime.now().astimezone().isoformat(" ", "minutes"), **this_process()}
    write_json(LAST_RUN, {**began, "said": ""})
    said = "it was stopped"
    try:
        yield
        said = "it ended well"
    except PalateError as error:
        said = f"it failed: {error}"
        raise
    except Exception as error:
        said = f"it failed: {type(error).__name__}: {error}"
        raise
    finally:
        write_json(LAST_RUN, {**began, "said": said})


def told() -> str:
    """One sentence on it; empty where none ran here."""
    if not LAST_RUN.exists():
        return ""
    last = read_json(LAST_RUN)
    said = last["said"] or ("it is running" if is_running(last) else "it was killed: run it again")
    return f"{last['began']}  {said}"
