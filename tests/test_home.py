"""The sample of a home is what its page says: dishes, people, and what remains for each of them to eat."""

from __future__ import annotations

import csv
import re
import runpy
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.nutrition import COSTS
from components.domain.preferences.contract import TABLES
from tests.conftest import REPO

SAMPLE = REPO / "data/sample/home"
PAGE = (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
MEALS = ("breakfast", "main", "side", "snack", "drink")
RULES = {"21 CFR 101.12(b), table 2", "9 CFR 317.312(b), table 2", "9 CFR 381.412(b), table 2"}


def _read(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if name.endswith(".tsv") else ","))


DISHES = {row["dish_id"]: row for row in _read("dishes.csv")}
PEOPLE = {row["person_id"]: row for row in _read("people.csv")}


def _cells(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _may_eat(person: dict[str, str]) -> set[str]:
    restrictions = read_restrictions(person["diet"], _cells(person["allergies"]), _cells(person["avoids"]))
    facts = [
        DishFacts(
            row["dish_id"], row["name"], tags=_cells(row["tags"]), ingredients=_cells(row["ingredients"])
        )
        for row in DISHES.values()
    ]
    return {dish.dish_id for dish in permitted(facts, restrictions)[0]}


@pytest.fixture(scope="module")
def remaining() -> dict[str, set[str]]:
    return {person_id: _may_eat(person) for person_id, person in PEOPLE.items()}


def _by_meal(dishes: Collection[str]) -> list[int]:
    of_meals = [sum(meal in _cells(DISHES[dish]["tags"]) for dish in dishes) for meal in MEALS]
    return [*of_meals, len(dishes)]


def test_what_remains_for_whom_is_what_the_page_says(remaining: dict[str, set[str]]) -> None:
    counted = {
        "catalogue": DISHES.keys(),
        "with ingredients": {dish for dish, row in DISHES.items() if row["ingredients"]},
        **remaining,
        "household": set.intersection(*remaining.values()),
    }
    table = PAGE.partition("## What remains for whom")[2]
    said = {
        name: [int(number) for number in numbers.split("|")]
        for name, numbers in re.findall(r"^\| ([a-z ]+) \| ([\d |]+\d) \|$", table, re.M)
    }
    assert said == {name: _by_meal(dishes) for name, dishes in counted.items()}
    without = len(DISHES) - len(counted["with ingredients"])
    assert f"{len(DISHES)} dishes" in PAGE
    assert f"{len(counted['with ingredients'])} dishes list some" in PAGE
    assert f"the other {without}\n" in PAGE


def test_a_week_is_feasible_for_each_and_for_all(remaining: dict[str, set[str]]) -> None:
    assert 500 <= len(DISHES) <= 800
    for dishes in (*remaining.values(), set.intersection(*remaining.values())):
        breakfasts, mains, *others, _ = _by_meal(dishes)
        assert min(breakfasts, mains) >= 60
        assert min(others) >= 21  # another one each day of three weeks


def test_mains_within_the_bounds_of_the_page_are_as_many_as_it_says() -> None:
    bounds = re.findall(r'"(\w+)": (\d+)', PAGE.partition('"at_most"')[2].partition("which")[0])
    assert [name for name, _ in bounds] == ["kcal", "saturated_g", "sodium_mg", "protein_g"]
    within = [
        row
        for row in DISHES.values()
        if "main" in _cells(row["tags"])
        and all(float(row[name]) <= int(most) for name, most in bounds[:3])
        and float(row["protein_g"]) >= int(bounds[3][1])
    ]
    assert f"which {len(within)} mains keep" in PAGE


def test_each_of_three_says_of_sixty_dishes_what_they_may_eat(remaining: dict[str, set[str]]) -> None:
    events = _read("events.csv")
    for person, may_eat in remaining.items():
        said = {row["dish_id"]: row["kind"] for row in events if row["person_id"] == person}
        assert len(said) == 60
        assert said.keys() <= may_eat
        assert 15 <= list(said.values()).count("dislike") <= 30
    assert {row["person_id"] for row in events} == set(PEOPLE)
    assert len(events) == 60 * len(PEOPLE)


def test_every_row_keeps_the_contract_and_has_one_meal_and_all_nutrients() -> None:
    for table in ("dishes", "people", "events"):
        for row in _read(f"{table}.csv"):
            parsed = TABLES[table].model_validate({name: cell for name, cell in row.items() if cell})
            assert table != "dishes" or None not in parsed.model_dump(exclude={"allergens", *COSTS}).values()
    assert all(set(MEALS).intersection(_cells(row["tags"])) for row in DISHES.values())
    assert len({row["name"] for row in DISHES.values()}) == len(DISHES)


def test_every_serving_has_its_source_and_is_used() -> None:
    with (REPO / "data/foods/foods.csv").open(encoding="utf-8", newline="") as file:
        foods = {row["name"]: row["category"] for row in csv.DictReader(file) if row["source"] == "FNDDS"}
    eaten = [(foods[row["food"]], row["food"]) for row in _read("dishes.tsv")]
    for serving in _read("servings.tsv"):
        assert serving["source"] in RULES
        assert serving["product"]
        grams = re.fullmatch(r"(\d+) (?:g|mL)", serving["amount"])
        assert not grams or grams[1] == serving["serving_g"]
        assert any(
            category == serving["category"] and name.startswith(serving["food_begins"])
            for category, name in eaten
        )


def test_the_tables_are_those_that_prepare_writes(tmp_path: Path) -> None:
    copy = tmp_path / "data/sample/home"
    shutil.copytree(SAMPLE, copy)
    (tmp_path / "data/foods").mkdir()
    shutil.copy(REPO / "data/foods/foods.csv", tmp_path / "data/foods")
    runpy.run_path(str(copy / "prepare.py"), run_name="__main__")
    for table in ("dishes", "people", "events"):
        assert (copy / f"{table}.csv").read_bytes() == (SAMPLE / f"{table}.csv").read_bytes()
