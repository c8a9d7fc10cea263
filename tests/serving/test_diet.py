"""What a person may not eat is in no answer, with the reason; what cannot be checked is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.store import STORE
from tests.serving.conftest import listening, send, set_limits
from tests.serving.published import publish
from tests.tables import whole_table

MENU = [
    {"dish_id": "1", "name": "Pea stew", "ingredients": ["peas", "carrots", "olive oil"]},
    {"dish_id": "2", "name": "Carbonara", "ingredients": ["spaghetti", "eggs", "pecorino cheese"]},
    {"dish_id": "3", "name": "Surprise"},
]


def _rank(address: str, **request: Any) -> tuple[int, dict[str, Any]]:
    return send(f"{address}/rank", **{"person_id": "ada", "dishes": MENU, **request})[:2]


def _left_out(answer: dict[str, Any]) -> dict[str, list[str]]:
    return {dish["dish_id"]: dish["reasons"] for dish in answer["left_out"]}


@whole_table(
    "restrictions offered",
    [
        ({}, {"1", "2", "3"}),
        ({"allergies": ["milk"]}, {"1"}),
        ({"allergies": ["Milch"]}, {"1"}),
        ({"allergies": ["peanut"]}, {"1", "2"}),
        ({"diet": "vegan"}, {"1"}),
        ({"avoids": ["carrot"]}, {"2"}),
        ({"avoids": ["peas"], "allergies": ["gluten"]}, set()),
        ({"allergies": ["kiwi"]}, {"1", "2"}),  # all their ingredients are known, and none is of it
        ({"allergies": ["kryptonite"]}, set()),  # nobody knows what a dish calls it
    ],
)
def test_only_what_is_shown_to_be_safe_is_offered(
    address: str, restrictions: dict[str, Any], offered: set[str]
) -> None:
    status, answer = _rank(address, **restrictions)
    assert status == 200
    assert set(answer["order"]) == {dish["dish_id"] for dish in answer["scores"]} == offered
    assert set(_left_out(answer)) == {"1", "2", "3"} - offered


def test_the_reasons_name_the_word_and_the_field(address: str) -> None:
    reasons = _left_out(_rank(address, allergies=["milk"])[1])
    assert reasons["2"] == ["contains milk: 'pecorino cheese' in ingredients"]
    assert reasons["3"] == ["nothing says that it is free of milk: no ingredients are listed"]


def test_a_declaration_lets_a_dish_through_and_none_of_its_words_may_contradict_it(address: str) -> None:
    declared = [{**MENU[2], "allergens": ["none"]}, {**MENU[1], "allergens": ["none"]}]
    assert _rank(address, dishes=declared, allergies=["milk"])[1]["order"] == ["3"]


def test_scores_of_what_is_offered_do_not_change(address: str) -> None:
    everything, some = _rank(address)[1], _rank(address, allergies=["egg"])[1]
    scores = {dish["dish_id"]: dish["score"] for dish in everything["scores"]}
    (offered,) = some["scores"]
    assert offered["score"] == pytest.approx(scores["1"], abs=1e-4)


def test_more_text_than_can_be_looked_through_is_refused_only_where_it_must_be(served: Path) -> None:
    set_limits(served, max_dishes=30)
    dish = {"name": "Soup", "ingredients": ["xq" * 250] * 7}
    long = [{"dish_id": str(number), **dish} for number in range(20)]
    with listening() as address:
        assert _rank(address, dishes=long)[0] == 200
        status, answer = _rank(address, dishes=long, allergies=["milk"])
    assert (status, "characters together" in answer["error"]) == (400, True)


def test_rank_applies_what_the_store_knows_of_the_person_and_says_so(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'people.db'}"
    unrestricted: dict[str, Any] = {"diet": "", "allergies": (), "avoids": ()}
    people = {
        "eve": {"allergies": ("egg",)},
        "pam": {"avoids": ("peas",)},
        "ann": {},
        "dash": {"allergies": ("-",)},
        "two": {"diet": "halal;kosher-style"},
    }
    publish(url, [{"person_id": name, **unrestricted, **of_them} for name, of_them in people.items()])
    monkeypatch.setenv(STORE, url)
    cases: list[tuple[dict[str, Any], set[str], str]] = [
        ({"person_id": "eve"}, {"1"}, "applied"),
        ({"person_id": " eve "}, {"1"}, "applied"),
        ({"person_id": "eve", "allergies": ["pea"]}, set(), "applied"),
        ({"person_id": "eve", "use_stored_restrictions": False}, {"1", "2", "3"}, "ignored"),
        ({"person_id": "pam"}, {"2"}, "applied"),
        ({"person_id": "ann"}, {"1", "2", "3"}, "applied"),
        ({"person_id": "dash"}, set(), "applied"),
        ({"person_id": "two"}, {"1", "2"}, "applied"),
        ({"person_id": "two", "diet": "vegetarian"}, {"1"}, "applied"),
        ({"person_id": "two", "diet": "halal"}, {"1", "2"}, "applied"),
        ({"person_id": "ann", "diet": ["halal", "gluten-free"]}, {"1"}, "applied"),
        ({"person_id": "ann", "diet": "halal;kosher-style"}, {"1", "2"}, "applied"),
        ({"person_id": "stranger"}, {"1", "2", "3"}, "none"),
    ]
    with listening() as address:
        for body, offered, fate in cases:
            answer = _rank(address, **body)[1]
            assert (set(answer["order"]), answer["stored_restrictions"]) == (offered, fate), body
        monkeypatch.setenv(STORE, "postgresql://nobody@127.0.0.1:9/none")
        status, answer = _rank(address, person_id="eve")
        assert (status, "use_stored_restrictions false" in answer["error"]) == (503, True)
        assert _rank(address, person_id="eve", use_stored_restrictions=False)[0] == 200


def test_every_offered_dish_says_whether_the_kitchen_or_its_list_shows_that_it_is_safe(address: str) -> None:
    dishes = [
        {"dish_id": "list", "name": "Pea stew", "ingredients": ["peas", "carrots"]},
        {"dish_id": "declared", "name": "Pea stew", "allergens": ["celery"]},
        {"dish_id": "tag", "name": "Pea stew", "ingredients": ["peas", "pasta sauce"], "tags": ["vegan"]},
    ]
    cases: list[tuple[dict[str, Any], dict[str, tuple[str, str]]]] = [
        (
            {"allergies": ["gluten"]},
            {
                "list": ("ingredients", "no gluten-containing ingredient listed"),
                "declared": ("declaration", "the kitchen declares no gluten-containing ingredient"),
            },
        ),
        ({"diet": "gluten-free"}, {"list": ("ingredients", "no gluten-containing ingredient listed")}),
        ({"allergies": ["kiwi"]}, {"list": ("ingredients", "no kiwi listed")}),
        (
            {"diet": "vegan"},
            {
                "list": ("ingredients", "nothing against vegan listed"),
                "tag": ("tag", "a tag of the kitchen says vegan"),
            },
        ),
    ]
    for restrictions, expected in cases:
        answer = _rank(address, dishes=dishes, **restrictions)[1]
        bases = {dish["dish_id"]: dish["basis"] for dish in answer["scores"]}
        shown = {name: (basis["source"], basis["sentence"]) for name, (basis,) in bases.items()}
        assert shown == shown | expected, restrictions
    assert [dish["basis"] for dish in _rank(address, dishes=dishes)[1]["scores"]] == [[], [], []]


def test_a_coeliac_is_warned_in_the_answer(address: str) -> None:
    for written in ({"allergies": ["celiac"]}, {"diet": "coeliac"}, {"allergies": ["milk", "Z\u00f6liakie"]}):
        (note,) = _rank(address, **written)[1]["notes"]
        assert note.startswith("Coeliac disease under treatment is not covered")
    assert _rank(address, allergies=["gluten"])[1]["notes"] == []
    assert "rennet" in _rank(address, diet="halal")[1]["notes"][0]
    (unknown,) = _rank(address, avoids=["I don't like huauzontle, onions please"])[1]["notes"]
    assert "'huauzontle'" in unknown
