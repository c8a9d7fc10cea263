"""Random keys of this clone, in a file that only its owner can read."""

from __future__ import annotations

import fcntl
import secrets as random
from pathlib import Path

from components.files import read_as, write_private

FILE = "secrets.json"  # in the state folder


def keys(state: Path) -> dict[str, str]:
    """Reads the keys that this clone's servers and their clients share, and creates missing ones.

    `prefect` is the user and password of Prefect's API and pages. `people` is the key of the hashes of
    forgotten people. A key that an older file lacks is added to it.

    Args:
        state: Folder of the file, which is created at the first call.
    """
    path = state / FILE
    stored = read_as(dict[str, str], path) if path.exists() else {}
    if stored.keys() >= _new_keys().keys():
        return stored
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "secrets.lock").open("a") as lock:  # of two processes both must get the same keys
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = read_as(dict[str, str], path) if path.exists() else {}
        complete = _new_keys() | stored
        if complete != stored:
            write_private(path, complete)
    return complete


def _new_keys() -> dict[str, str]:
    return {"people": random.token_urlsafe(32), "prefect": f"palate:{random.token_urlsafe(32)}"}
