"""A TCP proxy in front of a real server: it lets all through, holds it back for ever, or is not there."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """The proxy.

    Attributes:
        port: Where it listens on 127.0.0.1.
        is_open: Whether what comes is let through; else clients are connected and never answered.
        delay_s: Seconds that each part of an answer is late.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.is_open, self.delay_s = True, 0.0
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Refuses new connections and breaks the old ones, as a server does that ends."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:  # stopped
                return
            self._connections += client, server
            for source, target, delay in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._carry, args=(source, target, delay), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while not self.is_open:
                    time.sleep(0.05)
                if is_answer:
                    time.sleep(self.delay_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def gate(server_port: int) -> Iterator[Gate]:
    """A proxy in front of the server on this port, for a test."""
    running = Gate(server_port)
    yield running
    running.is_open = True
    running.stop()
