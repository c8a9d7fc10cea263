"""SIGTERM to the service as `make serve` starts it: what it has begun is answered, then the process ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable

import pytest

from tests.flows.clones import wait_for
from tests.serving.conftest import GRACE_S
from tests.serving.test_service import ASK

BODY = json.dumps(ASK).encode()
HEAD = (
    "POST /rank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n"
).encode()


@pytest.mark.slow
@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["its process alone", "all of them at once"])
def test_requests_that_were_begun_are_answered_and_new_ones_refused(
    process: tuple[subprocess.Popen[bytes], int], whom: Callable[[int, int], None]
) -> None:
    running, port = process
    begun = [socket.create_connection(("127.0.0.1", port), GRACE_S) for _ in range(6)]
    for connection in begun:
        connection.sendall(HEAD)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the service waits for the body
    whom(running.pid, signal.SIGTERM)
    wait_for(lambda: _is_refused(port), 20, "new connections to be refused")
    assert running.poll() is None
    for connection in begun:
        connection.sendall(BODY)
    for connection in begun:
        with connection, connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(json.loads(body)["order"]) == len(ASK["dishes"])
    assert running.wait(GRACE_S) == 0


def _is_refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return False
    except ConnectionRefusedError:
        return True
