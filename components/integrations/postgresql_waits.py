"""psycopg2: treats a PostgreSQL that is silent for too long as one that does not answer.

This process measures the silence itself: a frozen server ends no query, while its system still answers TCP.
The server cannot be told to cancel either, since psycopg2 would wait for that, too.
"""

from __future__ import annotations

import selectors
from typing import Any

from psycopg2 import OperationalError, extensions

CONNECT_S = 10  # of silence while a connection is made
_EVENTS = {extensions.POLL_READ: selectors.EVENT_READ, extensions.POLL_WRITE: selectors.EVENT_WRITE}


def limit(silence_s: float) -> None:
    """Makes this process give up waiting for a PostgreSQL that is silent: raises an OperationalError.

    Args:
        silence_s: Seconds that a server may send nothing while it works on a query or waits for a lock.
    """

    def wait(connection: Any) -> None:
        is_new = connection.status == extensions.STATUS_SETUP
        longest = min(silence_s, CONNECT_S) if is_new else silence_s
        while (state := connection.poll()) != extensions.POLL_OK:
            if not _answers(connection, state, longest):
                raise OperationalError(f"it was silent for {longest:g} s")

    extensions.set_wait_callback(wait)


def _answers(connection: Any, state: int, seconds: float) -> bool:
    # A new selector for each wait, since a connection that is being made may change its socket.
    with selectors.DefaultSelector() as socket:
        socket.register(connection.fileno(), _EVENTS[state])
        return bool(socket.select(seconds))
