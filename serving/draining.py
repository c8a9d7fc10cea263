"""Lets a service that is told to end finish the requests it has begun, and refuse new connections at once.

uvicorn finishes its requests and closes its socket, but BentoML's parent process holds that socket, too.
Without this module a new connection would be made, wait for the last answer and then break off.
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
