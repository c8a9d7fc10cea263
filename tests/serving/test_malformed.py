"""Whatever cannot be answered is a 4xx with one sentence, which shows nothing of the service's inside."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.integrations.service_probe import Expected, Memory, probe
from components.integrations.service_store import Catalogue
from serving.store import STORE
from tests.serving.conftest import listening, sign, with_token
from tests.serving.malformed import RANK, VALID, Malformed, requests, why_not_a_sentence
from tests.tables import whole_table

TOKEN = {"Authorization": "Bearer open sesame"}
PEAS = {"dish_id": "peas", "name": "Peas", "description": "", "cuisine": "", "tags": (), "ingredients": ()}


@pytest.fixture
def guarded(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service with a store, in which Ada is, and a token."""
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(STORE, url)
    ada = {"person_id": "ada", "diet": "", "allergies": (), "avoids": ()}
    row = dict.fromkeys(columns("dishes")) | PEAS
    Catalogue(url).publish("v1", Thresholds(4, 2), [(row, 0.5, True)], [ada], [])
    with_token(served, tmp_path, monkeypatch)
    sign(served, value_range=(-1e9, 1e9))  # the widest scale: the model gives numbers all the same
    with listening() as address:
        yield address


def _answer(address: str, request: Malformed, headers: dict[str, str] = TOKEN) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request(request.method, request.path, request.body, request.headers | headers)
    with connection.getresponse() as answer:
        status, body = answer.status, answer.read()
    connection.close()
    return status, body


def test_every_malformed_request_is_a_4xx_with_one_sentence(guarded: str) -> None:
    malformed, failures = requests(), []
    assert len(malformed) > 300
    for request in malformed:
        status, body = _answer(guarded, request)
        reason = "" if status == request.status else f"{status} in place of {request.status}"
        reason = reason or why_not_a_sentence(body)
        if not reason and request.words not in json.loads(body)["error"]:
            reason = f"no {request.words!r}"
        if reason:
            failures.append(
                f"{request.method} {request.path[:40]} {request.name[:60]}: {reason}: {body[:200]!r}"
            )
    assert "\n".join(failures) == ""


def test_no_malformed_request_makes_a_version_look_ill(address: str, tmp_path: Path) -> None:
    for request in requests():
        assert _answer(address, request)[0] < 500 or request.path != "/rank", request.name[:60]
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:  # which sends half a body
        head = b"POST /rank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b"Content-Length: 99\r\n\r\n{")
    assert _answer(address, Malformed("", "POST", "/rank", json.dumps(RANK).encode()))[0] == 200
    (report,) = probe(address, Expected("7", "now"), Memory(tmp_path / "looks.json"))
    assert (report.version, report.canary, report.errors) == ("7", None, 0)


@whole_table(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", "open sesame", "Basic open sesame", "Bearer \xe9"]
)
def test_a_wrong_token_is_401_with_one_sentence(guarded: str, header: str) -> None:
    locked = [("POST", path) for path in (*VALID, "/canary")]
    locked += [("GET", "/people/ada"), ("DELETE", "/people/ada"), ("GET", "/docs.json"), ("GET", "/versions")]
    for method, path in locked:
        headers = {"Authorization": header} if header else {}
        status, body = _answer(guarded, Malformed("", method, path, b"{}"), headers)
        assert (status, why_not_a_sentence(body)) == (401, ""), (path, body)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["", "x" * 600, "\ud800", "\0", "ada", "peas", "1", "NaN", "vegan", "rating"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _changed(draw: st.DrawFn) -> tuple[str, Any]:
    """A valid request of which some fields, at any depth, were dropped, replaced, wrapped or repeated."""
    path = draw(st.sampled_from(sorted(VALID)))
    body: Any = json.loads(json.dumps(VALID[path]))
    for _ in range(draw(st.integers(1, 3))):
        target, key = body, draw(st.sampled_from(sorted(body)) | st.text(max_size=8))
        inner = target.get(key)
        if isinstance(inner, list) and inner and isinstance(inner[0], dict) and draw(st.booleans()):
            target = inner[0]
            key = draw(st.sampled_from(sorted(target)) if target else st.just("dish_id"))
        kind = draw(st.sampled_from(["drop", "replace", "wrap", "repeat"]))
        if kind == "drop":
            target.pop(key, None)
        else:
            before = target.get(key)
            more = {"replace": draw(VALUES), "wrap": [before], "repeat": [before] * 300}
            target[key] = more[kind]
        if not body:
            break
    return path, body


# The service of this test draws random ids in its thread, which Hypothesis takes for the strategy's.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_changed())
def test_a_valid_request_that_was_changed_anywhere_is_answered_or_refused_in_a_sentence(
    guarded: str, change: tuple[str, Any]
) -> None:
    path, body = change
    status, answer = _answer(guarded, Malformed("", "POST", path, json.dumps(body).encode()))
    assert status < 500, answer
    assert status in {200, 202} or why_not_a_sentence(answer) == "", (
        answer
    )  # 202: a dish of nobody is kept aside


def test_a_whole_character_in_two_halves_is_read(guarded: str) -> None:
    body = json.dumps({"person_id": "ada \U0001f35d", "dishes": VALID["/rank"]["dishes"]}).encode()
    assert b"\\ud83c\\udf5d" in body
    status, answer = _answer(guarded, Malformed("", "POST", "/rank", body))
    assert (status, json.loads(answer)["person_id"]) == (200, "ada \U0001f35d")


def test_the_valid_requests_are_answered(guarded: str) -> None:
    past = [{"dish": {"dish_id": "2", "name": "Roulade"}, "rating": rating} for rating in (1e9, -1e9, 3)]
    ranked_by_extremes = [(path, VALID[path] | {"history": past}) for path in ("/rank", "/recommend")]
    for path, body in [*VALID.items(), *ranked_by_extremes]:
        for kind in ("application/json", "Application/JSON; charset=utf-8"):
            request = Malformed("", "POST", path, json.dumps(body).encode(), {"Content-Type": kind})
            assert _answer(guarded, request)[0] == 200, (path, body)
    assert RANK["person_id"] == "ada"
