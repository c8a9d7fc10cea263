"""One night at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from components.domain.errors import StageFailed


@contextlib.contextmanager
def one_night_at_a_time(state: Path) -> Iterator[None]:
    """Holds a lock that the kernel gives back however the night ends, killed ones included.

    Raises:
        StageFailed: Another night is running here.
    """
    state.mkdir(exist_ok=True)
    with (state / "night.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageFailed(
                "A night is already running in this clone: wait for it, then run again."
            ) from error
        yield
