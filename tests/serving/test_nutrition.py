"""Nutrients of recommended dishes, and bounds of them that leave dishes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.domain.catalogue import Thresholds
from components.domain.diet.nutrition import Amount, Nutrition
from components.domain.preferences.contract import DishRow
from components.integrations.service_store import Catalogue
from tests.answers import exposure_of
from tests.serving.conftest import send

SALAD = Nutrition(
    {"kcal": Amount(200, 200, "serving", "declared"), "fat_g": Amount(4, 4, "serving", "declared")}
)
STEW = Nutrition({"kcal": Amount(300, 700, "serving", "estimated")}, ("Stew, beef", "Stew, NFS"))
SOUP = Nutrition({"kcal": Amount(30, 60, "100 g", "estimated")}, ("Soup, pea",))
DISHES = {"Bean salad": SALAD, "Beef stew": STEW, "Pea soup": SOUP, "Surprise": Nutrition()}


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    rows = [
        (DishRow(dish_id=name, name=name).model_dump() | {"nutrition": nutrition}, 0.5, True)
        for name, nutrition in DISHES.items()
    ]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, [], [])
    return url


def _recommend(address: str, **body: Any) -> dict[str, Any]:
    status, answer, _ = send(f"{address}/recommend", person_id="ada", **body)
    assert status == 200, answer
    return answer


def _names(answer: dict[str, Any]) -> set[str]:
    return {dish["name"] for dish in answer["dishes"]}


def test_each_dish_comes_with_its_nutrients_and_what_they_rest_on(knowing: str) -> None:
    by_name = {dish["name"]: dish["nutrition"] for dish in _recommend(knowing)["dishes"]}
    kcal = by_name["Bean salad"]["nutrients"]["kcal"]
    assert (kcal["low"], kcal["high"], kcal["per"], kcal["evidence"]) == (200, 200, "serving", "declared")
    assert by_name["Beef stew"]["matches"] == ["Stew, beef", "Stew, NFS"]
    assert by_name["Beef stew"]["nutrients"]["kcal"]["confidence"].startswith("low")
    assert by_name["Pea soup"]["nutrients"]["kcal"]["per"] == "100 g"
    assert by_name["Surprise"] == {"nutrients": {}, "matches": []}


def test_bounds_let_through_what_lies_within_them_and_say_why_the_rest_does_not(
    knowing: str, store: str
) -> None:
    answer = _recommend(knowing, at_most={"kcal": 650})
    assert _names(answer) == {"Bean salad"}
    reasons = {dish["dish_id"]: dish["reasons"] for dish in answer["left_out"]}
    assert reasons.keys() == {"Beef stew", "Pea soup", "Surprise"}
    assert reasons["Beef stew"] == [
        "kcal of a serving is 300 to 700 (estimated), not shown to be at most 650"
    ]
    assert "the dish states no serving_g" in reasons["Pea soup"][0]
    assert "kcal of a serving is unknown" in reasons["Surprise"][0]
    exposure = exposure_of(store, answer["answer_id"])
    assert exposure is not None
    assert json.loads(exposure.filters)["at_most"] == {"kcal": 650}
    assert _names(_recommend(knowing, at_least={"kcal": 250}, at_most={"kcal": 700})) == {"Beef stew"}
    assert _names(_recommend(knowing, at_most={"kcal": 1000, "fat_g": 4})) == {"Bean salad"}
    assert _recommend(knowing, at_least={"sodium_mg": 0})["dishes"] == []
    assert len(_recommend(knowing, at_most={}, at_least={})["dishes"]) == 4


def test_a_dish_that_may_not_be_eaten_is_left_out_for_that_alone(knowing: str) -> None:
    answer = _recommend(knowing, allergies=["milk"], at_most={"kcal": 1})
    assert {dish["dish_id"] for dish in answer["left_out"]} == set(DISHES)
    assert len(answer["left_out"]) == len(DISHES)
    assert all("milk" in reason for dish in answer["left_out"] for reason in dish["reasons"])
