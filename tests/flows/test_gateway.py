"""A port that leads to another loses no request while it changes where it leads."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.machine.gateway import Gateway
from tests.flows.clones import free_ports, wait_for

LARGE = b"x" * 3_000_000


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"slow":
            time.sleep(1)
        answer = self.server.name + body  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _server(name: bytes) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.name = name  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def port() -> Iterator[tuple[int, Gateway]]:
    (number,) = free_ports(1)
    gateway = Gateway(number)
    yield number, gateway
    gateway.close()


def _ask(port: int, body: bytes) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", body, timeout=30) as answer:
        return bytes(answer.read())


def test_no_request_is_lost_while_another_server_takes_over(port: tuple[int, Gateway]) -> None:
    number, gateway = port
    answers: list[bytes] = []
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            answers.append(_ask(number, b"-"))

    with _server(b"old") as old, _server(b"new") as new:
        gateway.lead_to(old)
        slow: list[bytes] = []
        askers = [threading.Thread(target=ask) for _ in range(3)]
        waiting = threading.Thread(target=lambda: slow.append(_ask(number, b"slow")))
        for thread in (*askers, waiting):
            thread.start()
        wait_for(lambda: len(answers) > 50, 30, "answers")
        gateway.lead_to(new)
        wait_for(lambda: answers[-1] == b"new-", 30, "the new server's answers")
        waiting.join()
        end.set()
        for thread in askers:
            thread.join()
    assert slow == [b"oldslow"]  # a connection stays with the server that it was made to
    assert set(answers) == {b"old-", b"new-"}


def test_large_bodies_pass_whole_and_a_server_that_is_away_ends_the_connection(
    port: tuple[int, Gateway],
) -> None:
    number, gateway = port
    with _server(b"") as there:
        gateway.lead_to(there)
        assert _ask(number, LARGE) == LARGE
    gateway.lead_to(free_ports(1)[0])
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        _ask(number, b"-")


def test_a_caller_that_goes_away_is_gone_for_the_server_too(port: tuple[int, Gateway]) -> None:
    number, gateway = port
    with socket.create_server(("127.0.0.1", 0)) as server:
        gateway.lead_to(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", number)):
            connection, _ = server.accept()
        with connection:
            connection.settimeout(10)
            assert connection.recv(1) == b""


def test_a_close_amid_connections_leaves_nothing_open_and_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for count in range(20):
            (number,) = free_ports(1)
            gateway = Gateway(number)
            gateway.lead_to(server.getsockname()[1])
            callers = [socket.create_connection(("127.0.0.1", number)) for _ in range(count % 4 + 1)]
            gateway.close()
            for caller in callers:
                caller.close()
    gc.collect()  # what is left open is a warning, and so fails the test
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", number))
