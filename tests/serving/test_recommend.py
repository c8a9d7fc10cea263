"""The best dishes of the catalogue for a person of the store, without what they may not eat."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.domain.records import DISLIKED, LIKED, Past
from components.integrations.service_store import Catalogue, ServiceStore
from serving.endpoints.recommend import how_sure
from serving.store import STORE
from tests.answers import exposure_of
from tests.serving.conftest import listening, send, set_limits
from tests.serving.published import EMPTY, lines

PEAS, EGGS, CAKE, STEW = (
    {"dish_id": "peas", "name": "Peas with carrots", "ingredients": ("peas", "carrots"), "tags": ("vegan",)},
    {"dish_id": "eggs", "name": "Fried eggs", "ingredients": ("eggs", "sunflower oil")},
    {"dish_id": "cake", "name": "Almond cake", "ingredients": ("almonds", "eggs", "sugar")},
    {"dish_id": "stew", "name": "Surprise stew"},
)
GONE = {"dish_id": "gone", "name": "Peas of last year", "ingredients": ("peas",)}
DISHES = [(GONE, 0.99), (PEAS, 0.2), (EGGS, 0.9), (CAKE, 0.5), (STEW, 0.4)]


def _publish(
    url: str,
    version: str,
    people: list[Mapping[str, Any]],
    histories: Mapping[str, list[Past]],
    eaten: Sequence[tuple[str, str, datetime]] = (),
) -> None:
    rows = [
        (dict.fromkeys(columns("dishes")) | EMPTY | dish, popularity, dish["dish_id"] != "gone")
        for dish, popularity in DISHES
    ]
    published = [(person, lines(*history)) for person, history in histories.items()]
    Catalogue(url).publish(version, Thresholds(4, 2), rows, people, published, eaten)


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    people = [
        {"person_id": "ada", "diet": "", "allergies": (), "avoids": ()},
        {"person_id": "bob", "diet": "", "allergies": ("nuts",), "avoids": ()},
        {"person_id": "odd", "diet": "breatharian", "allergies": (), "avoids": ()},
    ]
    histories = {
        "ada": [Past("peas", LIKED), Past("cake", DISLIKED), Past("eggs", LIKED, 5.0)],
        "bob": [Past("gone", LIKED)],
    }
    _publish(url, "v1", people, histories)
    return url


def _post(url: str, **body: Any) -> tuple[int, dict[str, Any]]:
    return send(url, **body)[:2]


def _recommend(address: str, **body: Any) -> dict[str, Any]:
    status, answer = _post(f"{address}/recommend", **body)
    assert status == 200, answer
    return answer


def _ids(answer: dict[str, Any]) -> list[str]:
    return [dish["dish_id"] for dish in answer["dishes"]]


def test_a_person_of_the_store_gets_dishes_without_those_that_they_dislike(knowing: str) -> None:
    answer = _recommend(knowing, person_id="ada")
    assert set(_ids(answer)) == {"peas", "eggs", "stew"}
    assert answer["cold_start"] is False
    scores = [dish["score"] for dish in answer["dishes"]]
    assert scores == sorted(scores, reverse=True)
    named = {name for dish in answer["dishes"] for name in dish["because"]}
    assert named <= {"Peas with carrots", "Almond cake", "Fried eggs"}


def test_a_dish_says_how_often_such_a_lead_was_right_on_held_out_menus(knowing: str) -> None:
    dishes = _recommend(knowing, person_id="ada")["dishes"]
    *first, last = [dish["sure"] for dish in dishes]
    leads = np.diff([-dish["score"] for dish in dishes])
    expected = np.interp(1 / (1 + np.exp(-leads)), [0.5, 0.6, 1.0], [0.5, 0.7, 0.8])
    assert first == pytest.approx(expected.tolist(), abs=0.001)
    assert last is None
    cold = _recommend(knowing, person_id="new", allergies=[])["dishes"]
    assert {dish["sure"] for dish in cold} == {None}
    assert how_sure([], [2.0, 1.0]) == [None, None]  # of a release that has no record
    assert how_sure([(0.5, 0.5), (0.7, 0.6)], []) == []


def test_allergies_of_the_store_hold_and_a_request_only_adds_to_them(knowing: str) -> None:
    answer = _recommend(knowing, person_id="bob")
    assert set(_ids(answer)) == {"peas", "eggs"}
    reasons = {dish["dish_id"]: dish["reasons"] for dish in answer["left_out"]}
    assert any("contains tree nuts: 'almonds' in ingredients" in reason for reason in reasons["cake"])
    assert any("no ingredients are listed" in reason for reason in reasons["stew"])
    assert _ids(_recommend(knowing, person_id="bob", allergies=["egg"])) == ["peas"]
    assert set(_ids(_recommend(knowing, person_id="bob", allergies=[]))) == {"peas", "eggs"}


def test_a_diet_that_cannot_be_read_and_a_store_that_does_not_answer_give_no_dish(
    knowing: str, tmp_path: Path
) -> None:
    status, answer = _post(f"{knowing}/recommend", person_id="odd")
    assert (status, "The diet of 'odd' cannot be read: The diet 'breatharian'" in answer["error"]) == (
        503,
        True,
    )
    status, answer = _post(f"{knowing}/recommend", person_id="ada", diet="breatharian")
    assert (status, "'breatharian' is not known" in answer["error"]) == (400, True)
    status, answer = _post(f"{knowing}/recommend", person_id="stranger")
    assert (status, "send allergies, an empty list" in answer["error"]) == (400, True)
    for file in tmp_path.glob("service.db*"):  # SQLite answers from its log of writes while that is whole
        file.write_bytes(b"no database")
    status, answer = _post(f"{knowing}/recommend", person_id="ada")
    assert (status, "the service's store does not answer (" in answer["error"]) == (503, True)


def test_without_a_store_nobody_is_known(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE, raising=False)
    status, answer = _post(f"{address}/recommend", person_id="ada")
    assert (status, answer) == (503, {"error": f"This service knows nobody: start it with {STORE}."})


def test_who_is_new_gets_what_is_popular_and_an_inline_history_wins(knowing: str) -> None:
    cold = _recommend(knowing, person_id="new", allergies=[], k=3)
    assert (cold["cold_start"], _ids(cold)) == (True, ["eggs", "cake", "stew"])
    line = {"dish": {"dish_id": "x", "name": "Pea soup"}}
    warm = _recommend(knowing, person_id="new", allergies=[], history=[line])
    assert warm["cold_start"] is False
    assert {name for dish in warm["dishes"] for name in dish["because"]} <= {"Pea soup"}
    assert _recommend(knowing, person_id="ada", history=[])["cold_start"] is True


def test_menu_tags_and_k_narrow_what_is_offered(knowing: str) -> None:
    assert _ids(_recommend(knowing, person_id="new", allergies=[], dishes=["stew", "peas"])) == [
        "stew",
        "peas",
    ]
    assert _ids(_recommend(knowing, person_id="new", allergies=[], tags=["VEGAN"])) == ["peas"]
    assert len(_recommend(knowing, person_id="ada", k=1)["dishes"]) == 1
    status, answer = _post(f"{knowing}/recommend", person_id="ada", dishes=["peas", "none"])
    assert (status, "dish_id 'none' is not in the catalogue" in answer["error"]) == (400, True)


def test_an_answer_is_stored_with_all_that_it_was_narrowed_by(knowing: str, store: str) -> None:
    narrow: dict[str, Any] = {"k": 2, "dishes": ["peas", "eggs", "cake"], "tags": ["vegan"], "diet": "vegan"}
    narrow |= {"allergies": ["kiwi"], "avoids": ["okra"], "at_most": {}, "at_least": {}}
    answers = [_recommend(knowing, person_id="bob", **narrow), _recommend(knowing, person_id="bob")]
    exposures = [exposure_of(store, answer["answer_id"]) for answer in answers]
    first, second = (json.loads(exposure.filters) for exposure in exposures if exposure)
    assert first == narrow | {
        "applied": {"diet": "vegan", "allergies": ["peanuts", "tree_nuts", "kiwi"], "avoids": ["okra"]}
    }
    unasked: dict[str, Any] = {"k": 10, "dishes": [], "tags": [], "diet": "", "allergies": None, "avoids": []}
    applied = {"diet": "", "allergies": ["peanuts", "tree_nuts"], "avoids": []}  # the store's
    assert second == unasked | {"at_most": {}, "at_least": {}, "applied": applied}


def test_an_answer_says_whether_anything_tells_what_the_person_is_allergic_to(
    knowing: str, store: str
) -> None:
    for person in ("ada", "bob"):  # a row without allergies, and one with
        assert _recommend(knowing, person_id=person)["allergies_known"] is True
    assert _recommend(knowing, person_id="new", allergies=[])["allergies_known"] is True
    assert _post(f"{knowing}/recommend", person_id="new")[0] == 400
    _publish(store, "v2", [], {"ada": [Past("peas", LIKED)]})  # no table of people
    for person in ("ada", "new"):
        assert _recommend(knowing, person_id=person)["allergies_known"] is False
        assert _recommend(knowing, person_id=person, allergies=[])["allergies_known"] is True
        assert _recommend(knowing, person_id=person, allergies=["nuts"])["allergies_known"] is True
        assert _recommend(knowing, person_id=person, diet="vegan")["allergies_known"] is False


def test_an_answer_says_of_when_its_dishes_and_people_are(knowing: str, store: str) -> None:
    assert _recommend(knowing, person_id="ada")["published_at"] is None
    for hour in (1, 2):  # a night with nothing new confirms what an earlier one published
        Catalogue(store).confirm(datetime(2026, 11, 2, hour, tzinfo=UTC))
        for person in ("ada", "new"):
            answer = _recommend(knowing, person_id=person, allergies=[])
            assert answer["published_at"] == f"2026-11-02T0{hour}:00:00Z"


def test_what_is_disliked_is_left_out_with_its_reason_once_and_may_be_liked_again(knowing: str) -> None:
    answer = _recommend(knowing, person_id="ada", allergies=["nuts"])
    (cake,) = (dish for dish in answer["left_out"] if dish["dish_id"] == "cake")
    assert any("almonds" in reason for reason in cake["reasons"])  # what they may not eat goes first
    (cake,) = _recommend(knowing, person_id="ada")["left_out"]
    assert cake == {"dish_id": "cake", "reasons": ["the person's last opinion of it is a dislike"]}
    _post(f"{knowing}/feedback", person_id="ada", dish_id="cake", kind="rating", value=5)
    answer = _recommend(knowing, person_id="ada")
    assert (answer["left_out"], "cake" in _ids(answer)) == ([], True)


def test_a_dish_rests_after_it_was_chosen_or_ordered(
    store: str, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    eaten = [("zoe", "peas", now - timedelta(days=6)), ("zoe", "stew", now - timedelta(days=8))]
    _publish(store, "v1", [], {"zoe": [Past("peas", LIKED)]}, [*eaten, ("ada", "cake", now)])
    set_limits(served, max_dishes=200, rest_days=7)
    monkeypatch.setenv(STORE, store)
    with listening() as address:
        _post(f"{address}/feedback", person_id="zoe", dish_id="eggs", kind="order")
        answer = _recommend(address, person_id="zoe")
    reasons = {dish["dish_id"]: dish["reasons"] for dish in answer["left_out"]}
    assert reasons.keys() == {"peas", "eggs"}
    assert reasons["eggs"] == [f"chosen or ordered on {now:%Y-%m-%d}, within 7 days"]
    assert set(_ids(answer)) == {"stew", "cake"}


def test_a_dish_that_is_hidden_is_in_histories_and_in_no_answer(knowing: str) -> None:
    answer = _recommend(knowing, person_id="bob")
    assert answer["cold_start"] is False
    assert "gone" not in _ids(answer)
    assert {name for dish in answer["dishes"] for name in dish["because"]} <= {"Peas of last year"}
    assert _post(f"{knowing}/recommend", person_id="bob", dishes=["gone"])[0] == 400


def test_feedback_changes_the_next_answer_at_once(knowing: str) -> None:
    before = _recommend(knowing, person_id="new", allergies=[])
    assert before["cold_start"]
    for kind, dish in (("like", "peas"), ("dislike", "eggs")):
        status, _ = _post(
            f"{knowing}/feedback", person_id="new", dish_id=dish, kind=kind, answer_id=before["answer_id"]
        )
        assert status == 200
    after = _recommend(knowing, person_id="new", allergies=[])
    assert after["cold_start"] is False
    assert "eggs" not in _ids(after)
    _post(f"{knowing}/feedback", person_id="new", dish_id="eggs", kind="retract")
    assert "eggs" in _ids(_recommend(knowing, person_id="new", allergies=[]))


def test_what_a_night_publishes_is_there_without_a_restart(knowing: str, store: str) -> None:
    assert "soup" not in _ids(_recommend(knowing, person_id="new", allergies=[]))
    DISHES.append(({"dish_id": "soup", "name": "Lentil soup", "ingredients": ("lentils",)}, 0.95))
    try:
        _publish(store, "v2", [], {})
    finally:
        DISHES.pop()
    assert _ids(_recommend(knowing, person_id="new", allergies=[]))[0] == "soup"
    assert _recommend(knowing, person_id="ada")["cold_start"] is True  # without people nobody is a stranger


def test_a_forgotten_person_is_nowhere_in_the_store(knowing: str, store: str, tmp_path: Path) -> None:
    _recommend(knowing, person_id="bob")
    assert ServiceStore(store).forget("bob") == 1
    assert Catalogue(store).forget("bob") == 2
    for path in tmp_path.glob("service.db*"):
        assert b"bob" not in path.read_bytes()


def test_a_person_is_the_same_however_their_id_is_typed(knowing: str) -> None:
    assert set(_ids(_recommend(knowing, person_id=" bob "))) == {"peas", "eggs"}
    assert _post(f"{knowing}/recommend", person_id="b\0b", allergies=[])[0] == 400
    assert _post(f"{knowing}/rank", person_id="b\0b", dishes=[{"dish_id": "1", "name": "x"}])[0] == 400


def test_a_dish_that_is_too_long_for_the_model_is_no_error_of_the_caller(knowing: str, store: str) -> None:
    long = {"dish_id": "long", "name": "鱻" * 200, "ingredients": ("peas",), "description": "鱻" * 500}
    DISHES.append((long, 0.1))
    try:
        _publish(store, "v3", [], {"ada": [Past("long", LIKED), Past("peas", LIKED)]})
    finally:
        DISHES.pop()
    assert "peas" in _ids(_recommend(knowing, person_id="ada"))
