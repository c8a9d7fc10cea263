"""A web server of a test, which stores what it is sent, as a chat or a pager would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Attributes: its address, the bodies that were posted, the paths that were asked for, and its status."""

    address: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200

    @property
    def apprise(self) -> str:
        """Its address as Apprise's URL of a JSON webhook."""
        return self.address.replace("http://", "json://")


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    result = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            result.bodies.append(json.loads(self.rfile.read(length)))
            self._answer()

        def do_GET(self) -> None:
            result.paths.append(self.path)
            self._answer()

        def _answer(self) -> None:
            self.send_response(result.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    result.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield result
    server.shutdown()
    server.server_close()
