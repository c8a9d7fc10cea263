"""What listens at the service's address may be anything."""

from __future__ import annotations

import http.server
import threading

import pytest

from components.integrations import service_probe


class _Says(http.server.BaseHTTPRequestHandler):
    text = ""

    def _answer(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("text", ["{}", "[]", "null", "<html>", '{"model_version": "1"}'])
def test_what_is_no_service_of_ours_tells_nothing(text: str) -> None:
    handler = type("_Other", (_Says,), {"text": text})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert service_probe.probe(f"http://127.0.0.1:{server.server_port}") is None
        server.shutdown()


def test_where_nothing_listens_nothing_is_told() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Says) as server:
        address = f"http://127.0.0.1:{server.server_port}"
    assert service_probe.probe(address) is None
