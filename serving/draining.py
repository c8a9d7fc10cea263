"""A service that was told to end answers what it has begun, and refuses new connections at once.

uvicorn ends after the requests that it has begun and closes its socket, but BentoML's parent process holds
that socket, too: a new connection would be made, wait for the last answer and then break off.
"""

from __future__ import annotations

import contextlib
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
        with contextlib.suppress(OSError, psutil.Error):  # then it ends as it would without this
            _close_listening_sockets()
        end(number, frame)

    signal.signal(signal.SIGTERM, handle)


def _close_listening_sockets() -> None:
    """Ends listening; whoever starts a server on the same sockets anew can listen again."""
    for connection in psutil.Process().net_connections("inet"):
        if connection.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(connection.fd)) as listening:
                listening.shutdown(socket.SHUT_RDWR)
