"""A web server of a test, which answers as it is told and keeps what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Call(NamedTuple):
    path: str
    authorization: str
    body: bytes


@dataclass
class Receiver:
    """A running server.

    Attributes:
        address: Where it is.
        answers: Status and text by path; `*` stands for all others.
        calls: What it was asked, the first call first.
        held: Paths that wait for their answer.
    """

    address: str
    answers: Mapping[str, tuple[int, str]]
    calls: list[Call] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    @property
    def apprise(self) -> str:
        """Its address as Apprise's URL of a JSON webhook."""
        return self.address.replace("http://", "json://")

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was posted as JSON."""
        return [json.loads(call.body) for call in self.calls if call.body]

    @property
    def paths(self) -> list[str]:
        """What was asked for without a body."""
        return [call.path for call in self.calls if not call.body]


@contextmanager
def receiver(
    answers: Mapping[str, tuple[int, str]] | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            running.calls.append(Call(self.path, self.headers.get("Authorization", ""), body))
            while self.path in running.held:
                time.sleep(0.01)
            status, text = running.answers.get(self.path, running.answers.get("*", (200, "")))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((host, port), Handler) as server:
        running = Receiver(f"http://{host}:{server.server_port}", answers or {})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield running
        server.shutdown()
