"""Locks that allow at most one night and one release at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from components.domain.errors import StageFailed


class Busy(StageFailed):
    """Another night or release is running in this clone."""


@contextlib.contextmanager
def one_at_a_time(state: Path, activity: str, *, wait: bool = False) -> Iterator[None]:
    """Holds a lock for the block; the kernel releases it even if the process is killed.

    Args:
        state: Folder of the lock's file.
        activity: Noun of what is done one at a time, for the message and the file's name: `night`.

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
