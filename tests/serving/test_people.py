"""A person is read over HTTP, whatever their id is, behind the doors that all else is behind."""

from __future__ import annotations

import http.client
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from components.domain.diet.nutrition import QUANTITIES
from components.integrations.service_store import People
from serving.store import STORE
from tests.serving.conftest import listening, send, with_token
from tests.serving.published import ADA, BOB, LIKE, publish, ranked_for
from tests.tables import whole_table

FROM_ELSEWHERE = {"Origin": "https://evil.example"}


def test_all_that_the_store_holds_of_a_person_is_read(storing: str, url: str) -> None:
    publish(url, [ADA, BOB])
    ranked = ranked_for(storing)
    ranked_for(storing, "ada")
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
    nothing = {"diet": "", "allergies": [], "avoids": []}
    applied = {"diet": "vegan", "allergies": ["peanuts", "tree_nuts"], "avoids": ["okra"]}
    assert stored["filters"] == nothing | {"use_stored_restrictions": True, "applied": applied}
    assert [(each["dish_id"], each["kind"]) for each in person["feedback"]] == [("peas", "like")]
    assert datetime.fromisoformat(person["feedback"][0]["received_at"]).tzinfo is not None


IDS = [
    "a/b", "/", "//", "a/", "a\nb\nc", "50%", "%41", "%2F", "%00", "a b", "Zo\u00eb", "\u738b\u5c0f\u660e",
    "\u0645\u062d\u0645\u062f", "a?b#c&d=e", "..;", "...",
    "<script>", "\u202eada", "' OR 1=1 --", "x" * 200, "\u00e9" * 200,
]  # fmt: skip


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_any_id_is_read_and_erased_as_itself(storing: str, url: str) -> None:
    publish(url, [{**BOB, "person_id": person} for person in IDS])
    for person in IDS:
        path = f"/people/{quote(person, safe='')}"
        answer = _raw(storing, "GET", path)
        assert (answer[0], answer[1].get("person_id")) == (200, person), person
    for person in IDS:
        assert _raw(storing, "DELETE", f"/people/{quote(person, safe='')}")[0] == 202
    assert sorted(People(url).queued()) == sorted(IDS)


def _raw(address: str, method: str, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """An answer to a path that is sent as it is."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if body else {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@whole_table("method", ["GET", "DELETE"])
@whole_table("path sentence", [
    ("/people/", "at least 1"), ("/people/%20%20", "at least 1"), ("/people/a%00b", "cannot be stored"),
    ("/people/" + "x" * 5000, "at most 200"), ("/people/%ff", "not UTF-8"),
    ("/people/%ed%a0%80", "not UTF-8"), ("/people/%zz", "send %25"), ("/people/a%2", "send %25"),
    ("/%70eople/ada/people/bob", "must begin with /people/"),
])  # fmt: skip
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
    publish(url, [BOB])
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


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_neither_metrics_nor_access_log_name_a_person(
    storing: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish(url, [{**BOB, "person_id": "bob lovelace"}])
    with caplog.at_level("INFO"):
        assert _raw(storing, "GET", "/people/bob%20lovelace")[0] == 200
        assert _raw(storing, "DELETE", "/people/bob%20lovelace")[0] == 202
        assert _raw(storing, "GET", "/people/bob%20lovelace")[0] == 410
    assert "path=/people/…" in caplog.text
    metrics = httpx.get(f"{storing}/metrics").text
    assert 'path="/people/{person_id}"' in metrics
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
    bounds = schemas["RecommendRequest"]["properties"]["at_most"]
    assert (set(bounds["properties"]), bounds["additionalProperties"]) == (set(QUANTITIES), False)
    assert "503" in document["paths"]["/readyz"]["get"]["responses"]
    assert "security" not in document
    assert "contact" not in document["info"]


def test_the_document_says_where_the_token_is_needed(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {"Authorization": f"Bearer {with_token(served, tmp_path, monkeypatch)}"}
    with listening() as address:
        document = httpx.get(f"{address}/docs.json", headers=right).json()
        gets = {path: item["get"] for path, item in document["paths"].items() if "get" in item}
        is_open = {path: httpx.get(f"{address}{path}").status_code != 401 for path in gets}
    (scheme,) = document["security"]
    assert document["components"]["securitySchemes"][next(iter(scheme))]["scheme"] == "bearer"
    assert is_open == {path: get.get("security") == [] for path, get in gets.items()}
