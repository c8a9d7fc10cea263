"""Who gets into the service: on loopback no page from elsewhere, beyond it whoever has the token."""

from __future__ import annotations

import http.client
import os
import re
from pathlib import Path

import httpx
import pytest

from components.integrations.service_store import People
from serving.middleware import login
from serving.store import STORE
from tests.serving.conftest import listening, set_limits, with_token
from tests.serving.published import BOB, LIKE, MENU, publish
from tests.serving.test_service import ASK

NOBODY = 65534  # a user of the system
ELSEWHERE = [
    "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost",
    "localhost:80:80", "localhost:x", "localhost@evil.example", "user@localhost", "127.0.0.2", "1270001",
    "127x0x0x1", "[::2]", "::1", "",
]  # fmt: skip
HERE = ["localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:3000"]
ASKED = [
    ("GET", "/people/bob", None),
    ("DELETE", "/people/bob", None),
    ("POST", "/feedback", LIKE),
    ("POST", "/rank", {"person_id": "bob", "dishes": MENU}),
    ("GET", "/", None),
    ("GET", "/docs.json", None),
    ("GET", "/versions", None),
    ("GET", "/metrics", None),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(STORE, url)
    publish(url, [BOB])
    return url


def _status(client: httpx.Client, host: str, method: str = "GET", path: str = "/people/bob") -> int:
    return client.request(method, path, headers={"Host": host}).status_code


def test_without_a_token_a_service_goes_by_the_names_of_this_machine_alone(served: Path, store: str) -> None:
    with listening() as address, httpx.Client(base_url=address, timeout=60) as client:
        for method, path, body in ASKED:
            answer = client.request(method, path, json=body, headers={"Host": "evil.example"})
            assert (answer.status_code, list(answer.json())) == (421, ["error"]), path
        assert answer.json()["error"].startswith("The host is 'evil.example': ask this service at localhost")
        assert People(store).queued() == []
        assert {host: _status(client, host) for host in ELSEWHERE} == dict.fromkeys(ELSEWHERE, 421)
        assert {host: _status(client, host) for host in HERE} == dict.fromkeys(HERE, 200)
        assert _status(client, "localhost", "DELETE") == 202
        assert "421" in client.get("/docs.json").json()["paths"]["/people/{person_id}"]["get"]["responses"]


@pytest.mark.parametrize("hosts", [(), ("localhost", "evil.example"), ("evil.example", "localhost")])
def test_no_host_and_two_are_refused(served: Path, store: str, hosts: tuple[str, ...]) -> None:
    with listening() as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        connection.putrequest("GET", "/people/bob", skip_host=True)
        for host in hosts:
            connection.putheader("Host", host)
        connection.endheaders()
        assert connection.getresponse().status in {400, 421}  # 400 by the HTTP server
        connection.close()


def test_never_asking_for_a_token_leaves_loopback_as_strict(served: Path, store: str) -> None:
    set_limits(served, token="never")  # noqa: S106
    with listening() as address, httpx.Client(base_url=address, timeout=60) as client:
        assert [_status(client, host) for host in ("evil.example", "localhost")] == [421, 200]


@pytest.mark.parametrize("token", ["always", "never"])
def test_a_service_for_others_goes_by_any_name(
    served: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    headers = {
        "Host": "palate.example",
        "Authorization": f"Bearer {with_token(served, tmp_path, monkeypatch)}",
    }
    set_limits(served, token=token)
    with listening("127.0.0.1" if token == "always" else "0.0.0.0") as address:  # noqa: S104, S105
        assert httpx.get(f"{address}/people/bob", headers=headers).status_code == 200
        assert httpx.get(f"{address}/readyz", headers={"Host": "10.0.0.7:3000"}).status_code == 200


def test_no_page_of_bentoml_loads_anything(served: Path) -> None:
    with listening() as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.post("/", json={}).status_code == 405
        for path in (
            "/docs",
            "/redoc",
            "/schema.json",
            "/static_content/",
            "/assets/",
            "/static_content/index.css",
        ):
            page = client.get(path)
            assert "html" not in page.headers["content-type"], path
            assert not re.search(r"https?://(?!www\.w3\.org)", page.text), path


def test_beyond_this_machine_only_the_token_opens(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("open sesame\n")
    monkeypatch.setenv(login.TOKEN_FILE, str(tmp_path / "token"))
    assert login.door("auto") is login.Door.HOST  # nothing listens yet
    with listening("0.0.0.0") as address, httpx.Client(base_url=address, timeout=120) as client:  # noqa: S104
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "open sesame"}):
            assert client.post("/rank", json=ASK, headers=headers).status_code == 401
            assert client.post("/canary", json={}, headers=headers).status_code == 401
            assert client.get("/docs.json", headers=headers).status_code == 401
        right = {"Authorization": "Bearer open sesame"}
        assert client.post("/rank", json=ASK, headers=right).status_code == 200
        assert client.post("/canary", json={}, headers=right).status_code == 200
        for path in ("/livez", "/readyz", "/metrics"):
            assert client.get(path).status_code == 200
        (tmp_path / "token").write_text("")
        assert client.post("/rank", json=ASK, headers={"Authorization": "Bearer"}).status_code == 401
        assert client.get("/readyz").status_code == 503


def test_each_way_to_lack_a_token_has_its_own_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn, missing = tmp_path / "torn", tmp_path / "missing"
    torn.write_bytes(b"\xff\xfe\x00")
    cases = {"": "names no file", str(missing): "names no file", str(tmp_path): "names no file",
             str(torn): f"cannot read the token in '{torn}'"}  # fmt: skip
    for path, words in cases.items():
        monkeypatch.setenv(login.TOKEN_FILE, path)
        assert words in str(login.why_locked("always"))
        assert login.token() == ""


def test_a_token_of_another_user_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("open sesame")
    path.chmod(0o000)
    monkeypatch.setenv(login.TOKEN_FILE, str(path))
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(NOBODY)
    try:
        sentence = str(login.why_locked("always"))
        assert login.token() == ""
    finally:
        os.seteuid(user)
    assert f"cannot read the token in '{path}'" in sentence
    assert "fsGroup" in sentence
    assert "sesame" not in sentence
