"""SIGTERM to the service as `make serve` starts it: what it has begun is answered, then the process ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.clones import free_ports, http_status, wait_for
from tests.serving.test_service import ASK

GRACE_S = 45  # terminationGracePeriodSeconds of deploy/base/deployment.yaml
BODY = json.dumps(ASK).encode()
HEAD = (
    "POST /rank HTTP/1.1\r\nHost: palate\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n"
).encode()


@pytest.fixture
def serving(served: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`bentoml serve` of a copy of the code, and its port."""
    folder, port = tmp_path / "bento", free_ports(1)[0]
    for name in ("serving", "components"):
        shutil.copytree(REPO / name, folder / name)
    shutil.copy(REPO / "requirements-service.lock", folder)
    shutil.copytree(served, folder / "models" / "served")
    command = [str(Path(sys.executable).parent / "bentoml"), "serve", "serving.service:Palate"]
    env = os.environ | {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "true"}
    command += ["--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True)
    try:
        wait_for(lambda: http_status(f"http://127.0.0.1:{port}/readyz") == 200, 180, "the service")
        yield process, port
    finally:
        process.terminate()
        process.wait(GRACE_S)


@pytest.mark.slow
@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["its process alone", "all of them at once"])
@pytest.mark.parametrize("trained", ["vectors"], indirect=True)
def test_requests_that_were_begun_are_answered_and_new_ones_refused(
    serving: tuple[subprocess.Popen[bytes], int], whom: Callable[[int, int], None]
) -> None:
    process, port = serving
    begun = [socket.create_connection(("127.0.0.1", port), GRACE_S) for _ in range(6)]
    for connection in begun:
        connection.sendall(HEAD)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the service waits for the body
    whom(process.pid, signal.SIGTERM)
    wait_for(lambda: _is_refused(port), 10, "new connections to be refused")
    assert process.poll() is None
    for connection in begun:
        connection.sendall(BODY)
    for connection in begun:
        with connection, connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(json.loads(body)["order"]) == len(ASK["dishes"])
    assert process.wait(GRACE_S) == 0


def _is_refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return False
    except ConnectionRefusedError:
        return True
