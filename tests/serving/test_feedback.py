"""What was shown is stored, and what people say of it: once, before the answer, and for the next night."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.domain.catalogue import Thresholds
from components.domain.feedback import MOST_ASIDE
from components.domain.preferences.contract import as_id, columns
from components.integrations.service_store import Catalogue, ServiceStore, shown_by
from components.integrations.service_store.answers import ASIDE
from serving.answers import HEADER
from serving.store import STORE
from tests.answers import exposure_of, feedback_in
from tests.serving.conftest import listening, send
from tests.serving.published import EMPTY

DISHES = [{"dish_id": "1", "name": "Pea stew", "tags": ["soup"]}, {"dish_id": "2", "name": "Roulade"}]
LIKE = {"person_id": "ada", "dish_id": "1", "kind": "like"}


def _ranked(address: str, person: str = "ada", **more: Any) -> tuple[dict[str, Any], Message]:
    status, answer, headers = send(f"{address}/rank", **{"person_id": person, "dishes": DISHES, **more})
    assert status == 200
    return answer, headers


def test_an_answer_is_stored_with_its_dishes_in_order(storing: str, url: str) -> None:
    answer, headers = _ranked(storing)
    assert headers[HEADER] == "stored"
    exposure = exposure_of(url, answer["answer_id"])
    assert exposure is not None
    assert [shown.dish.dish_id for shown in exposure.shown] == answer["order"]
    assert {shown.dish.name for shown in exposure.shown} == {"Pea stew", "Roulade"}
    assert {shown.propensity for shown in exposure.shown} == {1.0}
    assert (exposure.person_id, exposure.model_version) == ("ada", answer["model_version"])


def test_feedback_is_stored_once_and_comes_to_a_night_with_its_menu(storing: str, url: str) -> None:
    answer, _ = _ranked(storing)
    choice = {"person_id": "ada", "dish_id": "2", "kind": "choice", "answer_id": answer["answer_id"]}
    first, second = send(f"{storing}/feedback", **choice), send(f"{storing}/feedback", **choice)
    assert (first[0], first[1]["again"]) == (200, False)
    assert (second[0], second[1]["again"], second[1]["event_id"]) == (200, True, first[1]["event_id"])
    assert send(f"{storing}/feedback", **{**LIKE, "person_id": "bob"})[0] == 202  # of no answer
    assert [row["kind"] for row in feedback_in(url)] == ["choice", "like"]
    menu = list(shown_by(ServiceStore(url).engine, [answer["answer_id"]]))
    assert {(row.answer_id, row.dish_id, row.name) for row in menu} == {
        (answer["answer_id"], "1", "Pea stew"),
        (answer["answer_id"], "2", "Roulade"),
    }
    assert feedback_in(url)[-1]["person_id"] == "bob"


def test_ratings_up_to_the_ends_of_the_scale_are_taken_and_others_are_not_stored(
    storing: str, url: str
) -> None:
    for value, status in ((1, 202), (0.999, 400), (5, 202), (5.001, 400)):
        assert send(f"{storing}/feedback", **(LIKE | {"kind": "rating", "value": value}))[0] == status
    assert [event["value"] for event in feedback_in(url)] == [1, 5]


@pytest.mark.parametrize("path", ["rank", "recommend"])
def test_a_history_beyond_all_ratings_is_one_sentence(storing: str, path: str) -> None:
    history = [{"dish": DISHES[0], "rating": rating} for rating in (5, 100)]
    body: dict[str, Any] = {"person_id": "ada", "history": history}
    more = {"dishes": DISHES} if path == "rank" else {}
    code, answer, _ = send(f"{storing}/{path}", **body, **more)
    sentence = "history.1.rating 100.0 is not from 1 to 5: send one on that scale."
    assert (code, answer) == (400, {"error": sentence})


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_release_without_a_range_takes_any_rating(
    served: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads((served / "served.json").read_text())
    del facts["value_range"], facts["feedback_range"]
    (served / "served.json").write_text(json.dumps(facts))
    monkeypatch.setenv(STORE, url)
    with listening() as address:
        assert send(f"{address}/feedback", **(LIKE | {"kind": "rating", "value": 77}))[0] == 202
        history = [{"dish": DISHES[0], "rating": 77}]
        assert send(f"{address}/rank", person_id="ada", dishes=DISHES, history=history)[0] == 200


def test_an_answer_of_another_person_and_a_dish_that_was_not_shown_are_refused(storing: str) -> None:
    answer, _ = _ranked(storing)
    about = {"answer_id": answer["answer_id"]}
    code, refusal, _ = send(f"{storing}/feedback", **{**LIKE, **about, "person_id": "eve"})
    assert (code, "another person's" in refusal["error"]) == (400, True)
    code, refusal, _ = send(f"{storing}/feedback", **{**LIKE, **about, "dish_id": "3"})
    assert (code, "was not shown" in refusal["error"]) == (400, True)


def test_a_time_with_an_offset_is_that_moment_and_may_be_sent_again(storing: str, url: str) -> None:
    moments = {
        "2026-01-01T12:00:00+02:00": "2026-01-01T10:00:00+00:00",
        "2000-01-01T00:00:00Z": "2000-01-01T00:00:00+00:00",  # the contract's first
    }
    for occurred_at in moments:
        sent = LIKE | {"occurred_at": occurred_at}
        assert send(f"{storing}/feedback", **sent)[1]["again"] is False
        assert send(f"{storing}/feedback", **sent)[1]["again"] is True
    events = feedback_in(url)
    assert {event["occurred_at"].isoformat() for event in events} == set(moments.values())


def test_a_changed_mind_of_one_answer_is_stored_each_time(storing: str, url: str) -> None:
    answer, _ = _ranked(storing)
    for kind in ("dislike", "retract", "dislike"):
        about = {**LIKE, "kind": kind, "answer_id": answer["answer_id"]}
        assert send(f"{storing}/feedback", **about)[1]["again"] is False
    assert [row["kind"] for row in feedback_in(url)] == ["dislike", "retract", "dislike"]


def test_an_id_is_the_same_however_its_letters_are_typed(storing: str, url: str) -> None:
    for person in ("Zo\u00eb", "Zoe\u0308", " Zo\u00eb "):
        assert send(f"{storing}/feedback", **(LIKE | {"person_id": person}))[0] == 202
    assert {row["person_id"] for row in feedback_in(url)} == {"Zo\u00eb"}
    assert ServiceStore(url).forget("Zo\u00eb") == 3


def test_an_event_id_is_read_as_the_night_reads_it(storing: str, url: str) -> None:
    for event_id, again in ((" E1 ", False), ("E1", True), ("  ", False)):
        assert send(f"{storing}/feedback", **(LIKE | {"event_id": event_id}))[1]["again"] is again
    assert "E1" in {row["event_id"] for row in feedback_in(url)}


def test_by_a_callers_clock_that_is_ahead_nothing_counts_as_later_than_what_comes_next(
    storing: str, url: str
) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    for again in (False, True):
        assert send(f"{storing}/feedback", **(LIKE | {"occurred_at": ahead}))[1]["again"] is again
    assert send(f"{storing}/feedback", **(LIKE | {"kind": "dislike"}))[0] == 202
    events = sorted(feedback_in(url), key=lambda event: event["occurred_at"])
    assert [event["kind"] for event in events] == ["like", "dislike"]


def test_one_event_id_for_two_things_is_a_conflict(storing: str) -> None:
    assert send(f"{storing}/feedback", **(LIKE | {"event_id": "e1"}))[0] == 202
    assert send(f"{storing}/feedback", **(LIKE | {"event_id": "e1"}))[1]["again"]
    code, answer, _ = send(f"{storing}/feedback", **(LIKE | {"event_id": "e1", "kind": "dislike"}))
    assert (code, "names other feedback" in answer["error"]) == (409, True)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_feedback_on_a_dish_that_nobody_knows_waits_up_to_a_bound_and_nothing_is_evicted(
    storing: str, url: str
) -> None:
    def publish(*ids: str) -> None:
        rows = [
            (dict.fromkeys(columns("dishes")) | EMPTY | {"dish_id": dish, "name": dish}, 0.5, True)
            for dish in ids
        ]
        Catalogue(url).publish("v", Thresholds(4, 2), rows, [], [])

    publish("peas")
    nope = LIKE | {"dish_id": "nope", "event_id": "n1"}
    known = LIKE | {"dish_id": "peas"}
    assert [send(f"{storing}/feedback", **each)[0] for each in (known, nope)] == [200, 202]
    with ServiceStore(url).engine.begin() as connection:
        waiting = [{"event_id": f"e{number}"} for number in range(MOST_ASIDE - 1)]
        connection.execute(sa.insert(ASIDE), waiting)
    status, answer, headers = send(f"{storing}/feedback", **(nope | {"event_id": "n2"}))
    assert (status, headers["Retry-After"]) == (429, "3600")
    assert "list the dishes in the inbox" in answer["error"]
    assert send(f"{storing}/feedback", **nope)[:2] == (202, {"event_id": "n1", "again": True})
    assert send(f"{storing}/feedback", **known)[0] == 200
    assert [row["event_id"] for row in feedback_in(url) if row["dish_id"] == "nope"] == ["n1"]
    publish("peas", "nope")  # a night whose inbox has the dish makes room
    assert send(f"{storing}/feedback", **(LIKE | {"dish_id": "other"}))[0] == 202


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_strangers_id_an_answer_of_long_ago_and_a_huge_text(storing: str, url: str) -> None:
    for person in ("eve", "ada"):  # each has ids of their own
        assert send(f"{storing}/feedback", **(LIKE | {"event_id": "e961", "person_id": person}))[0] == 202
    late = LIKE | {"kind": "choice", "answer_id": "palate:v1/removed"}
    assert [send(f"{storing}/feedback", **late)[1]["again"] for _ in range(2)] == [False, True]
    huge = {**DISHES[0], "ingredients": ["\u00fc" * 250] * 8}
    status, answer, _ = send(f"{storing}/rank", person_id="ada", dishes=[huge])
    assert (status, "its texts have 4,0" in answer["error"]) == (400, True), answer


def test_without_its_store_the_service_answers_and_says_so_and_takes_no_feedback(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _ranked(address)[1][HEADER] == "none"
    sentence = f"This service stores nothing: start it with {STORE}."
    assert send(f"{address}/feedback", **LIKE)[:2] == (503, {"error": sentence})
    (tmp_path / "file").write_text("in the place of a folder")
    monkeypatch.setenv(STORE, f"sqlite:///{tmp_path / 'file' / 'service.db'}")
    assert send(f"{address}/rank", person_id="ada", dishes=DISHES)[0] == 503  # may ada eat them?
    assert _ranked(address, use_stored_restrictions=False)[1][HEADER] == "failed"
    sentence = "The feedback could not be stored: send it again."
    assert send(f"{address}/feedback", **LIKE)[:2] == (503, {"error": sentence})
    with urllib.request.urlopen(f"{address}/metrics", timeout=120) as metrics:
        assert "palate_exposures_failed_total 1.0" in metrics.read().decode()


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
TEXTS = TEXTS.filter(lambda text: text.strip())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
def test_any_text_comes_back_as_it_was_sent(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: str, dish: str
) -> None:
    url = f"sqlite:///{tmp_path / 'texts.db'}"
    monkeypatch.setenv(STORE, url)
    code, answer, _ = send(f"{address}/feedback", **{"person_id": person, "dish_id": dish, "kind": "order"})
    assert code == 202
    rows = {row["event_id"]: row for row in feedback_in(url)}
    assert (rows[answer["event_id"]]["person_id"], rows[answer["event_id"]]["dish_id"]) == (
        as_id(person),
        as_id(dish),
    )
