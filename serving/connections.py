"""Connections: breaks off clients that are very slow, and refuses new ones once the service is told to end.

uvicorn (0.54) would wait without an end for clients that send a request or read its answer slowly, and
BentoML (1.4) offers no way to choose a protocol. So `DeadlineProtocol` replaces the default in the table in
which uvicorn looks. On SIGTERM uvicorn finishes its requests and closes its socket, but BentoML's parent
process holds that socket, too: a new connection would be made, wait for the last answer and then break off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from types import FrameType

import psutil
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10  # from the first byte of a request, or from the connection, to its last
ANSWER_S = 60  # from there until the answer was read; `serve.deadline_s` is 28 at most


def end_slow_clients() -> None:
    """Makes servers that uvicorn starts in this process from now on use `DeadlineProtocol`."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{DeadlineProtocol.__name__}"


class DeadlineProtocol(H11Protocol):
    """A connection that is broken off if its client is too slow; uvicorn itself ends it between requests."""

    _end: asyncio.TimerHandle | None = None
    _limit_s = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time limit of the first request."""
        super().connection_made(transport)
        self._wait(REQUEST_S)

    def data_received(self, data: bytes) -> None:
        """Takes the data.

        Limits the wait for the rest of the request or, once it is whole, for the answer.
        """
        super().data_received(data)
        is_whole = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        self._wait(ANSWER_S if is_whole else REQUEST_S)

    def on_response_complete(self) -> None:
        """Ends the time limit after an answer, unless the next request has already arrived."""
        self._wait(0)
        super().on_response_complete()
        if not self.cycle.response_complete:
            self._wait(ANSWER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time limit."""
        self._wait(0)
        super().connection_lost(exc)

    def _wait(self, limit_s: int) -> None:
        """Sets the time limit in seconds, 0 for none; a running limit of the same length goes on."""
        if limit_s == self._limit_s:
            return
        if self._end:
            self._end.cancel()
        self._limit_s = limit_s
        self._end = self.loop.call_later(limit_s, self.transport.abort) if limit_s else None


def refuse_new_connections_on_sigterm() -> None:
    """Makes SIGTERM close the listening sockets in all processes, before the server's own handler runs.

    It changes nothing where SIGTERM has no handler in this thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    end = signal.getsignal(signal.SIGTERM)
    if not callable(end):
        return

    def handle(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError, psutil.Error):  # then it ends as it would without this
            _close_listening_sockets()
        end(number, frame)

    signal.signal(signal.SIGTERM, handle)


def _close_listening_sockets() -> None:
    """Stops listening; a server that is started later on the same sockets can listen again."""
    for connection in psutil.Process().net_connections("inet"):
        if connection.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(connection.fd)) as listening:
                listening.shutdown(socket.SHUT_RDWR)
