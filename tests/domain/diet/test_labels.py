"""Dishes that somebody else labelled: what contains an allergen is not offered, and most of what is safe is.

The labels were written apart from the dictionary. They have been looked at twice: docs/diet.md says what that
changed, and what the figures were before.
"""

from __future__ import annotations

import csv

import pytest

from benchmarks.allergens import LABELS, Labelled, counts, labelled_dishes, offers
from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS
from tests.tables import whole_table

LEAST_OFFERED = 0.9  # share of safe dishes
LEAST_MEMBERS = 60


@pytest.fixture(scope="module")
def dishes() -> list[Labelled]:
    return labelled_dishes()


@whole_table("group", ALLERGENS)
def test_no_unsafe_dish_is_offered_and_most_safe_ones_are(dishes: list[Labelled], group: str) -> None:
    result = counts(dishes, group)
    assert result["contains"][0] == 0
    assert result["may contain"][0] == 0
    some, all_ = result["safe"]
    assert some / all_ >= LEAST_OFFERED


@whole_table("group", ALLERGENS)
def test_no_name_of_an_allergen_is_taken_for_a_food_without_it(group: str) -> None:
    with (LABELS / "names.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    names = [row["name"] for row in rows if group in row["contains"].split(";")]
    assert len(names) >= LEAST_MEMBERS
    foods = [DishFacts(name, "dish of the day", ingredients=(name,)) for name in names]
    assert permitted(foods, read_restrictions("", [group], []))[0] == ()


@pytest.mark.slow
def test_made_up_people_are_offered_nothing_unsafe(dishes: list[Labelled]) -> None:
    result = offers(dishes)
    assert result.offered > 50_000
    assert not result.unsafe
