"""What callers may try at the service's doors: bodies with two meanings, slow clients, floods."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from components.integrations.service_store import People
from serving import service
from serving.middleware.bodies import JSON
from serving.middleware.requests import Slots
from serving.server import DeadlineProtocol
from serving.store import STORE
from tests.serving.conftest import listening, send, set_limits
from tests.serving.published import BOB, LIKE, MENU, publish
from tests.serving.test_service import ASK

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
TYPE = {"Content-Type": JSON}
TWICE = [
    ("/recommend", b'{"person_id":"eve","allergies":["milk"],"allergies":[]}', "'allergies' twice"),
    ("/recommend", b'{"person_id":"eve","allergies":["milk"],"\\u0061llergies":[]}', "'allergies' twice"),
    ("/rank", json.dumps(ASK).encode()[:-1] + b',"history":[],"history":[]}', "'history' twice"),
    ("/rank", b'{"person_id":"eve","dishes":[{"dish_id":"1","name":"a","name":"b"}]}', "'name' twice"),
    (
        "/feedback",
        b'{"person_id":"eve","person_id":"bob","dish_id":"peas","kind":"like"}',
        "'person_id' twice",
    ),
    ("/erasures", b'{"person_ids":["eve"],"person_ids":["bob"]}', "'person_ids' twice"),
    ("/canary", b'{"a":{"b":1,"b":1}}', "'b' twice"),
    # Another parser's limit on digits must not open what the service's own one reads.
    ("/feedback", b'{"value":' + b"1" * 5000 + b',"kind":"like","kind":"order"}', "'kind' twice"),
    ("/feedback", b'{"kind":"li\x01ke","kind":"order"}', "'kind' twice"),
]


def test_no_body_has_two_meanings(storing: str, url: str) -> None:
    publish(url, [BOB])
    with httpx.Client(base_url=storing, timeout=60) as client:
        for path, body, sentence in TWICE:
            answer = client.post(path, content=body, headers=TYPE)
            assert (answer.status_code, sentence in answer.json()["error"]) == (400, True), (
                path,
                answer.text,
            )
        body = TWICE[4][1]
        answer = client.request("DELETE", "/people/eve", content=body, headers=TYPE)
        assert (answer.status_code, People(url).queued()) == (400, [])
        once = client.post("/recommend", json={"person_id": "eve", "allergies": []})
        assert once.status_code == 200, once.text  # the same key in several objects is no repetition
        deep = client.post("/rank", content=b"[" * 100_000, headers=TYPE)
        assert (deep.status_code, list(deep.json())) == (400, ["error"])


def test_a_list_of_people_is_erased_at_once(storing: str, url: str) -> None:
    publish(url, [BOB])
    people = ["bob", " bob ", *(f"invented {number}" for number in range(998))]
    status, answer, _ = send(f"{storing}/erasures", person_ids=people)
    assert (status, answer["people"]) == (202, 999)
    assert sorted(People(url).queued()) == sorted({person.strip() for person in people})
    assert httpx.get(f"{storing}/people/bob").status_code == 410
    assert not any(People(url).read("bob").values())
    again = send(f"{storing}/erasures", person_ids=["bob"])[1]
    assert again == {"people": 1, "queued_at": answer["queued_at"]}
    for wrong in ([], ["x"] * 1001, [""], "bob", [7]):
        status, answer, _ = send(f"{storing}/erasures", person_ids=wrong)
        assert (status, list(answer)) == (400, ["error"]), wrong
    document = httpx.get(f"{storing}/docs.json").json()["paths"]["/erasures"]["post"]
    assert {"202", "429", "503"} <= document["responses"].keys()
    assert "200" not in document["responses"]


def test_however_often_the_canary_is_asked_the_model_answers_it_once(served: Path, url: str) -> None:
    palate = service.Palate()

    async def ask() -> list[Any]:
        return await asyncio.gather(*(palate.canary() for _ in range(20)))

    answers = asyncio.run(ask())
    assert answers[0].passed
    assert {id(answer) for answer in answers} == {id(answers[0])}


def test_neither_ranking_nor_feedback_takes_the_slots_of_an_erasure(served: Path, url: str) -> None:
    refused = list[tuple[int, bytes]]()
    goes_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await goes_on.wait()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def note(message: Any) -> None:
        if message["type"] == "http.response.start":
            refused.append((message["status"], dict(message["headers"])[b"retry-after"]))

    async def ask() -> None:
        doors = Slots(app, lambda: {"max_concurrency": 1, "deadline_s": 20.0})
        paths = ["/rank", "/feedback", "/erasures", "/recommend", "/feedback", "/people/x"]
        for path in paths:
            scope = {"type": "http", "method": "POST", "path": path}
            waiting.append(asyncio.create_task(doors(scope, receive, note)))
            await asyncio.sleep(0.01)
        assert doors.running == {"model": 1, "feedback": 1, "people": 1}
        goes_on.set()
        await asyncio.gather(*waiting)
        assert doors.running.total() == 0

    waiting = list["asyncio.Task[None]"]()
    asyncio.run(asyncio.wait_for(ask(), 10))
    assert refused == [(429, b"2")] * 3


class Impatient(DeadlineProtocol):
    request_s = 3


@pytest.fixture
def impatient(url: str, served: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service that waits less long for a request."""
    monkeypatch.setenv(STORE, url)
    publish(url, [BOB])
    with listening(protocol=Impatient) as address:
        yield address


def _socket(address: str) -> socket.socket:
    return socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), timeout=60)


def _seconds_until_ended(connection: socket.socket, drip: bytes) -> float:
    """Sends a byte each second until the service breaks the connection off."""
    begin = time.monotonic()
    connection.settimeout(1)
    while time.monotonic() - begin < 4 * Impatient.request_s:
        try:
            if not connection.recv(65536):
                break
        except TimeoutError:
            pass
        except OSError:
            break
        try:
            connection.sendall(drip)
        except OSError:
            break
    return time.monotonic() - begin


HEAD = b"POST /feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = json.dumps(LIKE).encode()
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
SLOW = {
    "nothing at all": (b"", b""),
    "half a header": (b"POST /feedback HT", b""),
    "a header that drips": (HEAD + b"X-A: ", b"a"),
    "half a body": (HEAD + b"Content-Length: 500\r\n\r\n{", b""),
    "a body that drips": (HEAD + b"Content-Length: 500\r\n\r\n{", b" "),
    "chunks that drip": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a second request that drips": (WHOLE + HEAD, b"X"),
    "a body that is refused and drips on": (
        HEAD.replace(b"json", b"xml") + b"Content-Length: 99\r\n\r\n{",
        b" ",
    ),
}


def test_slow_clients_are_broken_off_and_others_are_answered_meanwhile(impatient: str) -> None:
    def drip(start: bytes, more: bytes) -> float:
        with closing(_socket(impatient)) as connection:
            connection.sendall(start)
            return _seconds_until_ended(connection, more)

    with ThreadPoolExecutor(20) as threads:
        slow = {name: threads.submit(drip, *sent) for name, sent in SLOW.items()}
        more = [threads.submit(drip, HEAD + b"Content-Length: 500\r\n\r\n{", b" ") for _ in range(10)]
        time.sleep(1)
        assert send(f"{impatient}/feedback", **LIKE)[0] == 200  # more drip than there are slots
    seconds = {name: each.result() for name, each in slow.items()}
    assert all(value < 2 * Impatient.request_s for value in seconds.values()), seconds
    assert all(each.result() < 2 * Impatient.request_s for each in more)


def test_a_connection_that_asks_again_and_again_is_kept(impatient: str) -> None:
    connection = http.client.HTTPConnection(impatient.removeprefix("http://"), timeout=60)
    connection.connect()
    first = connection.sock
    begin = time.monotonic()
    while time.monotonic() - begin < Impatient.request_s + 2:  # longer than one request may take
        connection.request("GET", "/people/bob")
        with connection.getresponse() as answer:
            assert answer.status == 200
            answer.read()
        time.sleep(1)
    assert connection.sock is first
    connection.close()


def test_work_that_took_too_long_is_one_line_of_the_log(
    storing: str, served: Path, caplog: pytest.LogCaptureFixture
) -> None:
    set_limits(served, deadline_s=0.0)
    with caplog.at_level("INFO"):
        status = send(f"{storing}/rank", person_id="eve", dishes=MENU)[0]
    assert status == 504
    lines = [line for line in caplog.text.splitlines() if "bentoml.access" not in line]
    assert [line for line in lines if "504" in line] == lines
    assert len(lines) == 1
