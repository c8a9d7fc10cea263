"""uvicorn's protocol with an end to clients that send a request, or read its answer, a byte now and then.

uvicorn (0.54) waits for both without an end, and BentoML (1.4) passes it no protocol: so the one that uvicorn
takes by default is put into the table in which it looks.
"""

from __future__ import annotations

import asyncio

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10  # from the first byte of a request, or from the connection, to its last
ANSWER_S = 60  # from there until the answer was read; `serve.deadline_s` is 28 at most


def end_slow_clients() -> None:
    """Lets servers that uvicorn starts in this process from now on use `DeadlineProtocol`."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{DeadlineProtocol.__name__}"


class DeadlineProtocol(H11Protocol):
    """One connection, broken off where its client is too slow; between requests uvicorn itself ends it."""

    _end: asyncio.TimerHandle | None = None
    _limit_s = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait(REQUEST_S)

    def data_received(self, data: bytes) -> None:
        """Takes what came, and waits for the rest of a request, or until its answer was read."""
        super().data_received(data)
        is_whole = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        self._wait(ANSWER_S if is_whole else REQUEST_S)

    def on_response_complete(self) -> None:
        """Waits for nothing after an answer, unless a next request was sent with the one before."""
        self._wait(0)
        super().on_response_complete()
        if not self.cycle.response_complete:
            self._wait(ANSWER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._wait(0)
        super().connection_lost(exc)

    def _wait(self, limit_s: int) -> None:
        """Breaks the connection off after so many seconds, unless it waits so already; 0 for never."""
        if limit_s == self._limit_s:
            return
        if self._end:
            self._end.cancel()
        self._limit_s = limit_s
        self._end = self.loop.call_later(limit_s, self.transport.abort) if limit_s else None
