"""The server under floods, unread answers and SIGTERM: what was begun is answered, the log stays small."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from serving.server import A_SECOND, AT_ONCE, DeadlineProtocol, LogBudget
from tests.flows.clones import wait_for
from tests.serving.conftest import GRACE_S
from tests.serving.test_service import ASK


def test_a_flood_fills_no_log_and_hides_no_error() -> None:
    file = io.StringIO()
    handler = logging.StreamHandler(file)
    handler.addFilter(LogBudget())
    logger = logging.Logger("flood")
    logger.addHandler(handler)
    begin = time.monotonic()
    for number in range(12_000):
        logger.info("127.0.0.1:%d (scheme=http,method=GET,path=/%s) (status=404)", number, "x" * 100)
    try:
        int("something broke")
    except ValueError:
        logger.exception("an error after it")
    most = AT_ONCE + A_SECOND * (time.monotonic() - begin)
    assert len(file.getvalue()) < most + 2000
    assert "an error after it" in file.getvalue()
    assert "ValueError: invalid literal" in file.getvalue()
    time.sleep(1)
    logger.info("afterwards")
    last = file.getvalue().splitlines()[-1]
    assert last.endswith("lines were left out) afterwards")


class Impatient(DeadlineProtocol):
    answer_s = 1


def test_whoever_reads_no_answer_is_broken_off() -> None:
    """A real server with a large answer, of which the client reads nothing."""
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 100_000_000, "more_body": True})
        await send({"type": "http.response.body", "body": b"x", "more_body": False})
        ended.set()

    async def serve() -> float:
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", http=Impatient)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        begin = time.monotonic()
        _reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(ended.wait(), DeadlineProtocol.answer_s)
        seconds = time.monotonic() - begin
        writer.close()
        server.should_exit = True
        await serving
        return seconds

    assert asyncio.run(serve()) > 0.9 * Impatient.answer_s


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
