"""One night and one release at a time, and nothing left of one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from components.domain.errors import StageFailed


class Busy(StageFailed):
    """Another process holds the lock."""


@contextlib.contextmanager
def one_at_a_time(state: Path, what: str) -> Iterator[None]:
    """Holds a lock that the kernel gives back however the holder ends, killed ones included.

    Args:
        state: Folder of the lock's file.
        what: A `night` or a `release`.

    Raises:
        Busy: Another one is running here.
    """
    state.mkdir(exist_ok=True)
    with (state / f"{what}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"A {what} is already running in this clone: wait for it, then run again.") from error
        yield


def end_orphaned_servers(home: str) -> None:
    """Ends Prefect servers on our database whose night was killed: nobody else ever would.

    Prefect starts a server for a flow that finds none, as a child; killed parents leave theirs to init.
    """
    if os.environ.get("PREFECT_API_URL") or os.getpid() == 1:
        return
    for process in psutil.process_iter(["ppid", "cmdline"]):
        is_server = "prefect.server.api.server:create_app" in (process.info["cmdline"] or [])
        if process.info["ppid"] != 1 or not is_server:
            continue
        with contextlib.suppress(psutil.Error):
            if process.environ().get("PREFECT_HOME") == home:
                process.terminate()
