"""What anybody can send to the service: none of it may look like an error of the model."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

from components.integrations.service_probe import Expected, Memory, probe
from tests.serving.test_service import ASK

JSON = {"Content-Type": "application/json"}
DISH = {"dish_id": "9", "name": "Halloumi"}
HUGE = [{"dish": DISH, "rating": 1e39}, {"dish": DISH, "rating": 1.0}]  # where a model's numbers end
BROKEN = [
    (b"--x\r\n", {"Content-Type": "multipart/form-data"}),  # without a boundary
    (b"--x\r\nbroken", {"Content-Type": "multipart/form-data; boundary=x"}),
    (b"a=%ff&b", {"Content-Type": "application/x-www-form-urlencoded"}),
    (b"{", JSON),
    (b'"\xff\xfe"', JSON),
    (b"[" * 100_000, JSON),
    (b"{}", JSON),
    (b"null", JSON),
    (b"\x80\x04", {"Content-Type": "application/vnd.bentoml+pickle"}),
    (b"{}" * 600_000, JSON),
    (json.dumps(ASK | {"person_id": "\ud800"}).encode(), JSON),
    (json.dumps(ASK).encode(), {"Content-Type": "text/nothing", "Content-Encoding": "gzip"}),
    (json.dumps(ASK | {"history": HUGE}).encode(), JSON),
]


def _post(address: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
    except OSError:  # it was closed while we were still sending
        return 413


def _half(address: str) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /rank HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )


def test_strangers_cannot_make_a_version_look_ill(address: str, tmp_path: Path) -> None:
    memory, new = Memory(tmp_path / "looks.json"), Expected("7", "now")
    for _ in range(3):
        for body, headers in BROKEN:
            status = _post(f"{address}/rank", body, headers)
            assert 200 <= status < 500, (body[:50], headers)
        _half(address)
    for path in ("", "/", "/nothing", "/rank/../canary", "/rank?x=%00"):
        assert _post(f"{address}{path}", b"{}", JSON) < 500
    assert _post(f"{address}/rank", BROKEN[0][0], BROKEN[0][1]) == 415
    assert _post(f"{address}/rank", json.dumps(ASK).encode(), JSON) == 200
    (report,) = probe(address, new, memory)
    assert (report.version, report.canary, report.errors) == ("7", None, 0)
