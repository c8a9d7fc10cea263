"""At most one night and one release at a time, and the end of servers that a killed night left running."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from components.domain.errors import StageFailed


class Busy(StageFailed):
    """Another night or release is running in this clone."""


@contextlib.contextmanager
def one_at_a_time(state: Path, activity: str, *, wait: bool = False) -> Iterator[None]:
    """Holds a lock for the block; the kernel releases it even if the process is killed.

    Args:
        state: Folder of the lock's file.
        activity: What is done one at a time, as in a sentence; it names the lock's file.
        wait: Whether to wait for the lock.

    Raises:
        Busy: Another process holds the lock.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / f"{activity}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            sentence = f"A {activity} is already running in this clone: wait for it, then run again."
            raise Busy(sentence) from error
        yield


def end_orphaned_servers(home: str) -> None:
    """Ends the Prefect servers of killed nights, which would otherwise run for ever.

    A flow without a server starts one as its child process; if the flow is killed, the parent of its server
    becomes process 1.

    Args:
        home: PREFECT_HOME of this clone; servers with another one are left alone.
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
