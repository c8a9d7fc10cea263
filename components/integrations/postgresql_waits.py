"""psycopg2: a PostgreSQL that is silent for too long is one that does not answer.

The limit is this process's own: a server that is frozen ends no query, and its system still answers TCP. It
cannot be told to cancel one either: psycopg2 would wait for that, too.
"""

from __future__ import annotations

import selectors
from typing import Any

from psycopg2 import OperationalError, extensions

CONNECT_S = 10  # of silence while a connection is made
_EVENTS = {extensions.POLL_READ: selectors.EVENT_READ, extensions.POLL_WRITE: selectors.EVENT_WRITE}


def limit(silence_s: float) -> None:
    """Ends each wait of this process for a PostgreSQL by an OperationalError after so much silence.

    Args:
        silence_s: Seconds in which a server that works on a query, or waits for a lock, sends nothing.
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
