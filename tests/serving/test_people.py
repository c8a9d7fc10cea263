"""A person is read over HTTP; erased, they are hidden at once, and stay so whatever writes meanwhile."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from components.domain.catalogue import Thresholds
from components.domain.errors import Erased, StageFailed
from components.domain.exposures import Exposure, Feedback
from components.domain.preferences.contract import columns
from components.domain.records import DISLIKED, LIKED, Past
from components.integrations.service_store import Catalogue, People, ServiceStore
from serving import login, service
from serving.erased import SENTENCE
from serving.store import STORE
from tests.serving.conftest import listening, send, set_limits

pytestmark = pytest.mark.parametrize("trained", ["vectors"], indirect=True)

EMPTY = {"description": "", "cuisine": "", "tags": (), "ingredients": (), "allergens": None}
DISHES = [
    {"dish_id": "peas", "name": "Peas with carrots", "ingredients": ("peas", "carrots")},
    {"dish_id": "cake", "name": "Almond cake", "ingredients": ("almonds", "sugar")},
]
MENU = [{"dish_id": "1", "name": "Pea stew"}, {"dish_id": "2", "name": "Roulade"}]
BOB = {"person_id": "bob", "diet": "vegan", "allergies": ("nuts",), "avoids": ("okra",)}
ADA = {"person_id": "ada", "diet": "", "allergies": (), "avoids": ()}
LIKE = {"person_id": "bob", "dish_id": "peas", "kind": "like"}
FROM_ELSEWHERE = {"Origin": "https://evil.example"}


def _publish(url: str, people: list[Mapping[str, Any]], version: str = "v1") -> None:
    rows = [(dict.fromkeys(columns("dishes")) | EMPTY | dish, 0.5, True) for dish in DISHES]
    histories = [(row["person_id"], [Past("peas", LIKED), Past("cake", DISLIKED, 1.0)]) for row in people]
    Catalogue(url).publish(version, Thresholds(4, 2), rows, people, histories, None)


def _answer_for(address: str, person: str = "bob") -> dict[str, Any]:
    status, answer, _ = send(f"{address}/rank", **{"person_id": person, "dishes": MENU})
    assert status == 200
    return answer


def test_all_that_the_store_holds_of_a_person_is_read(storing: str, url: str) -> None:
    _publish(url, [ADA, BOB])
    ranked = _answer_for(storing)
    _answer_for(storing, "ada")
    assert send(f"{storing}/feedback", **LIKE)[0] == 200
    answer = httpx.get(f"{storing}/people/bob")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    person = answer.json()
    assert (person["person_id"], person["diet"]) == ("bob", "vegan")
    assert (person["allergies"], person["avoids"]) == (["nuts"], ["okra"])
    assert person["history"] == [
        {"dish_id": "peas", "verdict": "liked", "rating": None},
        {"dish_id": "cake", "verdict": "disliked", "rating": 1.0},
    ]
    (stored,) = person["answers"]
    assert [dish["dish_id"] for dish in stored["dishes"]] == ranked["order"]
    assert stored["filters"] == {"diet": "", "allergies": [], "avoids": []}
    assert [(each["dish_id"], each["kind"]) for each in person["feedback"]] == [("peas", "like")]
    assert datetime.fromisoformat(person["feedback"][0]["received_at"]).tzinfo is not None


def _refused(address: str) -> dict[str, tuple[int, dict[str, Any]]]:
    bodies: dict[str, dict[str, Any]] = {
        "rank": {"person_id": "bob", "dishes": MENU},
        "recommend": {"person_id": " bob ", "allergies": []},
        "feedback": LIKE,
    }
    posted = {name: send(f"{address}/{name}", **body)[:2] for name, body in bodies.items()}
    read = httpx.get(f"{address}/people/bob")
    return posted | {"people": (read.status_code, read.json())}


def test_who_is_erased_is_gone_at_once_and_everybody_else_stays(storing: str, url: str) -> None:
    _publish(url, [ADA, BOB])
    _answer_for(storing)
    assert send(f"{storing}/feedback", **LIKE)[0] == 200
    first, again = (httpx.delete(f"{storing}/people/bob") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert _refused(storing) == dict.fromkeys(
        ("rank", "recommend", "feedback", "people"), (410, {"error": SENTENCE})
    )
    assert not any(People(url).read("bob").values())
    assert People(url).queued() == ["bob"]
    assert send(f"{storing}/recommend", person_id="ada")[0] == 200
    assert httpx.get(f"{storing}/people/ada").status_code == 200


def test_after_the_night_the_store_holds_no_id_and_a_stranger_must_send_allergies(
    storing: str, url: str, tmp_path: Path
) -> None:
    _publish(url, [BOB])  # the only person of the table
    for _ in range(2):
        assert httpx.delete(f"{storing}/people/bob").status_code == 202
    People(url).mark_done("bob")
    assert httpx.get(f"{storing}/people/bob").status_code == 404
    status, answer, _ = send(f"{storing}/recommend", person_id="bob")
    assert (status, "send allergies" in answer["error"]) == (400, True)
    assert (
        send(f"{storing}/recommend", person_id="bob", allergies=["nuts"])[1]["dishes"][0]["dish_id"] == "peas"
    )
    httpx.delete(f"{storing}/people/bob")
    People(url).mark_done("bob")
    for path in tmp_path.glob("service.db*"):
        assert b"bob" not in path.read_bytes()


def test_what_a_night_publishes_while_a_person_waits_does_not_bring_them_back(storing: str, url: str) -> None:
    _publish(url, [ADA, BOB])
    assert httpx.delete(f"{storing}/people/bob").status_code == 202
    _publish(url, [ADA, BOB], "v2")
    assert not any(People(url).read("bob").values())
    assert send(f"{storing}/recommend", person_id="bob", allergies=[])[0] == 410
    _publish(url, [BOB], "v3")
    assert send(f"{storing}/recommend", person_id="new")[0] == 400  # there still was a table of people


def _exposure(number: int) -> Exposure:
    return Exposure(f"a{number}", "bob", datetime.now(UTC), (), "{}", "1", "x")


def _feedback(number: int) -> Feedback:
    return Feedback(f"f{number}", "bob", "peas", "like", None, "", datetime.now(UTC))


def test_whatever_writes_while_a_person_is_erased_nothing_of_theirs_stays(served: Path, url: str) -> None:
    people, answers = People(url), ServiceStore(url)
    writes: list[Callable[[int], Any]] = [
        lambda number: answers.add_exposure(_exposure(number)),
        lambda number: answers.add_feedback(_feedback(number)),
        lambda number: _publish(url, [ADA, BOB], f"v{number}"),
        lambda _number: people.erase("bob"),
    ]
    errors: list[StageFailed] = []

    def work(write: Callable[[int], Any]) -> None:
        for number in range(15):
            try:
                write(number)
            except Erased:
                pass
            except StageFailed as error:
                errors.append(error)

    for _ in range(3):
        threads = [threading.Thread(target=work, args=(write,)) for write in writes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert errors == []
        assert not any(people.read("bob").values())
        with pytest.raises(Erased):
            answers.add_feedback(_feedback(99))
        people.mark_done("bob")


IDS = [
    "a/b", "/", "//", "a/", "50%", "%41", "%2F", "%00", "a b", "Zo\u00eb", "\u738b\u5c0f\u660e",
    "\u0645\u062d\u0645\u062f", "a?b#c&d=e", "..;", "...",
    "<script>", "\u202eada", "' OR 1=1 --", "x" * 200, "\u00e9" * 200,
]  # fmt: skip


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_any_id_is_read_and_erased_as_itself(storing: str, url: str) -> None:
    _publish(url, [{**BOB, "person_id": person} for person in IDS])
    for person in IDS:
        path = f"/people/{quote(person, safe='')}"
        answer = _raw(storing, "GET", path)
        assert (answer[0], answer[1].get("person_id")) == (200, person), person
    for person in IDS:
        assert _raw(storing, "DELETE", f"/people/{quote(person, safe='')}")[0] == 202
    assert sorted(People(url).queued()) == sorted(IDS)


def _raw(address: str, method: str, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """An answer to a path that is sent as it is."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if body else {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/people/", "at least 1"),
        ("/people/%20%20", "at least 1"),
        ("/people/a%00b", "cannot be stored"),
        ("/people/" + "x" * 5000, "at most 200"),
        ("/people/%ff", "not UTF-8"),
        ("/people/%ed%a0%80", "not UTF-8"),
        ("/people/%zz", "send %25"),
        ("/people/a%2", "send %25"),
        ("/%70eople/ada/people/bob", "must begin with /people/"),
    ],
)
def test_what_is_no_id_is_one_sentence(storing: str, method: str, path: str, sentence: str) -> None:
    status, answer = _raw(storing, method, path)
    assert (status, list(answer), sentence in answer["error"]) == (400, ["error"], True), answer


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_who_is_unknown_is_404_and_may_be_erased(storing: str, url: str) -> None:
    status, answer = _raw(storing, "GET", "/people/stranger")
    assert (status, "holds nothing of this person" in answer["error"]) == (404, True)
    assert _raw(storing, "DELETE", "/people/stranger")[0] == 202  # older data may hold them
    assert _raw(storing, "GET", "/people/stranger")[0] == 410
    assert _raw(storing, "POST", "/people/stranger")[0] == 405
    assert (
        _raw(storing, "DELETE", "/people/a%0Ab")[0] == 404
    )  # no route has a line break: `make forget` takes it


def test_without_its_store_nobody_is_read_or_erased(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(STORE, raising=False)
    for method in ("GET", "DELETE"):
        assert _raw(address, method, "/people/ada")[0] == 503
    (tmp_path / "file").write_text("in the place of a folder")
    monkeypatch.setenv(STORE, f"sqlite:///{tmp_path / 'file' / 'service.db'}")
    for method in ("GET", "DELETE"):
        status, answer = _raw(address, method, "/people/ada")
        assert (status, answer["error"]) == (503, "The service's store does not answer: send it again.")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_page_from_elsewhere_may_neither_read_nor_erase(storing: str, url: str) -> None:
    _publish(url, [BOB])
    preflight = httpx.options(
        f"{storing}/people/bob", headers=FROM_ELSEWHERE | {"Access-Control-Request-Method": "DELETE"}
    )
    assert preflight.status_code == 405  # so a browser never sends the DELETE
    read = httpx.get(f"{storing}/people/bob", headers=FROM_ELSEWHERE)
    for answer in (preflight, read):
        assert not any(name.startswith("access-control") for name in answer.headers)
    for override in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = httpx.post(f"{storing}/people/bob", headers=FROM_ELSEWHERE | {override: "DELETE"})
        assert answer.status_code == 405
    assert People(url).queued() == []


def test_the_mounted_operations_are_behind_all_middleware(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "metrics").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(STORE, url)
    (tmp_path / "token").write_text("open sesame\n")
    monkeypatch.setenv(login.TOKEN_FILE, str(tmp_path / "token"))
    set_limits(served, token="always")  # noqa: S106
    _publish(url, [BOB])
    right = {"Authorization": "Bearer open sesame"}
    with listening() as address, httpx.Client(base_url=address, timeout=30) as client:
        for method in ("GET", "DELETE"):
            assert client.request(method, "/people/bob").status_code == 401
            form = right | {"Content-Type": "application/x-www-form-urlencoded"}
            assert client.request(method, "/people/bob", headers=form).status_code == 400
            large = b"x" * (service.MAX_BODY_BYTES + 1)
            assert client.request(method, "/people/bob", headers=right, content=large).status_code == 413
        assert People(url).queued() == []
        assert client.get("/people/bob", headers=right).status_code == 200


def test_they_count_among_the_requests_at_once(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    set_limits(served, max_concurrency=0)
    with listening() as address:
        for method in ("GET", "DELETE"):
            answer = httpx.request(method, f"{address}/people/bob")
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_neither_metrics_nor_access_log_name_a_person(
    storing: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    _publish(url, [{**BOB, "person_id": "bob lovelace"}])
    with caplog.at_level("INFO"):
        assert _raw(storing, "GET", "/people/bob%20lovelace")[0] == 200
        assert _raw(storing, "DELETE", "/people/bob%20lovelace")[0] == 202
        assert _raw(storing, "GET", "/people/bob%20lovelace")[0] == 410
    assert "path=/people/…" in caplog.text
    metrics = httpx.get(f"{storing}/metrics").text
    assert 'endpoint="/rank"' in metrics or "palate_model_answers_total" in metrics
    assert "lovelace" not in metrics + caplog.text


def test_one_document_lists_all_operations_with_examples(address: str) -> None:
    document = httpx.get(f"{address}/docs.json").json()
    listed = {
        (path, verb) for path, item in document["paths"].items() for verb in item if verb != "parameters"
    }
    assert {("/people/{person_id}", "get"), ("/people/{person_id}", "delete"), ("/rank", "post")} <= listed
    schemas = document["components"]["schemas"]
    assert schemas["PersonAnswer"]["example"]["person_id"] == "ada"
    assert document["paths"]["/people/{person_id}"]["parameters"][0]["example"] == "ada"
    references = json.dumps(document).split('"#/components/schemas/')[1:]
    assert {each.partition('"')[0] for each in references} <= set(schemas)


@pytest.mark.slow
def test_a_store_that_is_read_meanwhile_hides_at_once(served: Path, tmp_path: Path) -> None:
    import sqlite3

    url = f"sqlite:///{tmp_path / 'service.db'}"
    _publish(url, [BOB])
    with sqlite3.connect(tmp_path / "service.db", isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM people").fetchall()
        People(url).erase("bob")
        assert not any(People(url).read("bob").values())
        with pytest.raises(StageFailed, match="run again"):
            People(url).mark_done("bob")
        reader.execute("COMMIT")
    reader.close()
