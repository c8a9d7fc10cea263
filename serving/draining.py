"""A service that was told to end answers what it has begun, and refuses new connections at once.

uvicorn ends after the requests that it has begun and closes its socket, but BentoML's parent process holds
that socket, too: a new connection would be made, wait for the last answer and then break off.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType

import psutil


def refuse_new_connections_on_sigterm() -> None:
    """Has SIGTERM close the listening sockets in all processes, before the server's own handler.

    Nothing changes where no server handles SIGTERM in this thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    end = signal.getsignal(signal.SIGTERM)
    if not callable(end):
        return

    def handle(number: int, frame: FrameType | None) -> None:
        for connection in psutil.Process().net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                _close(connection.fd)
        end(number, frame)

    signal.signal(signal.SIGTERM, handle)


def _close(descriptor: int) -> None:
    """Ends listening on a socket; whoever starts a server on it anew can listen again."""
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        listening.shutdown(socket.SHUT_RDWR)
