"""A port that leads to another one, which may change: callers of `make up` see no outage at a release."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator

CHUNK = 65536  # bytes that are passed on at once


class Gateway:
    """Relays the connections of a port of 127.0.0.1 to another port of this machine.

    It listens from the first `lead_to` on. A connection stays with the port that it was made to.

    Args:
        port: Port that callers know.
    """

    def __init__(self, port: int) -> None:
        self._port, self._target = port, 0
        self._loop, self._end = asyncio.new_event_loop(), asyncio.Event()
        self._thread: threading.Thread | None = None

    def lead_to(self, port: int) -> None:
        """Leads new connections to this port from now on.

        Raises:
            OSError: The gateway's own port is taken.
        """
        self._target = port
        if self._thread is None:
            listener = socket.create_server(("127.0.0.1", self._port))
            self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stops listening and ends all connections."""
        if self._thread:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
        self._loop.close()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen(listener))

    async def _listen(self, listener: socket.socket) -> None:
        async with await asyncio.start_server(self._relay, sock=listener):
            await self._end.wait()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            async with _closing(writer):
                answer, request = await asyncio.open_connection("127.0.0.1", self._target)
                async with _closing(request):
                    sending = asyncio.create_task(_pass_on(reader, request))
                    try:
                        await _pass_on(answer, writer)
                    finally:
                        sending.cancel()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes bytes on until one side closes its connection."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
