"""A port that leads to another one, which may change: callers of `make up` see no outage at a release."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

CHUNK = 65536  # bytes that are passed on at once


class Gateway:
    """Relays the connections of a port of 127.0.0.1 to another port of this machine.

    It listens from the first `lead_to` on. A connection stays with the port that it was made to.

    Args:
        port: Port that callers know.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: _Server | None = None

    def lead_to(self, port: int) -> None:
        """Leads new connections to this port from now on.

        Raises:
            OSError: The gateway's own port is taken.
        """
        if self._server:
            self._server.target = port
            return
        self._server = _Server(("127.0.0.1", self._port), _Relay)
        self._server.target = port
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Stops listening. A connection ends with its two sides, or with the process."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128
    target: int


class _Relay(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        address = ("127.0.0.1", self.server.target)
        with contextlib.suppress(OSError), socket.create_connection(address) as service:
            sending = threading.Thread(target=_pass_on, args=(self.request, service), daemon=True)
            sending.start()
            _pass_on(service, self.request)
            with contextlib.suppress(OSError):  # the caller is away already
                self.request.shutdown(socket.SHUT_RDWR)
            sending.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Passes bytes on until the source ends or one side is away."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
