"""Recipe lines, statements of labels and four more languages, by labels written before the words were."""

from __future__ import annotations

import json
from pathlib import Path

from components.domain.diet import DishFacts, Restrictions
from components.domain.diet.dictionary import ALLERGENS
from tests.domain.diet import both_ways
from tests.tables import whole_table

RECIPES = Path(__file__).parents[2] / "data" / "allergens" / "recipes.jsonl"
LEAST = {"line": 0.8, "statement": 0.7, "plain": 0.8}  # of the safe ones, offered; measured: 0.91, 0.84, 0.95


def is_offered(dish: DishFacts, group: str) -> bool:
    return both_ways.is_offered(dish, Restrictions(allergies=(group,)))


def test_nothing_with_a_group_is_offered_and_most_of_what_is_safe_is() -> None:
    safe: dict[str, list[bool]] = {kind: [] for kind in LEAST}
    for line in RECIPES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        dish = DishFacts(row["id"], row["name"], ingredients=tuple(row["ingredients"]))
        for group in ALLERGENS:
            if group not in row["contains"] + row["may_contain"]:
                safe[row["kind"]].append(is_offered(dish, group))
            else:
                assert not is_offered(dish, group), (row["id"], group)
    for kind, offered in safe.items():
        assert sum(offered) >= LEAST[kind] * len(offered), kind


@whole_table("declared free_of not_free_of", [
    (("en:celery",), "milk", "celery"), (("en:celery,en:sesame-seeds",), "milk", "sesame"),
    (("fr:lait",), "eggs", "milk"), (("en:sulphur-dioxide-and-sulphites",), "milk", "sulphites"),
    (("contains none of the 14 allergens",), "milk", ""), (("en:none",), "milk", ""),
])  # fmt: skip
def test_declarations_of_open_food_facts_are_understood(
    declared: tuple[str, ...], free_of: str, not_free_of: str
) -> None:
    dish = DishFacts("d", "Dish of the day", allergens=declared)
    assert is_offered(dish, free_of)
    assert not not_free_of or not is_offered(dish, not_free_of)


def test_a_tag_of_open_food_facts_that_nobody_knows_proves_nothing() -> None:
    assert not is_offered(DishFacts("d", "Dish of the day", allergens=("en:celery", "en:xyz")), "milk")


# `polvo` is octopus, in Spanish powder; `un` is Turkish flour, elsewhere an article.
@whole_table("ingredient group", [
    ("polvo cozido, azeite", "molluscs"), ("małże, oliwa", "molluscs"), ("250 g un", "gluten"),
    ("noix de beurre", "milk"), ("charlotte, raspberries", "gluten"), ("raspberry dessert", "gluten"),
    ("chicken with coating", "gluten"), ("conservante", "sulphites"),
    ("Salt. For allergens, including cereals containing gluten, see ingredients in bold. Wheat", "gluten"),
])  # fmt: skip
def test_a_word_that_is_harmless_elsewhere_frees_nothing(ingredient: str, group: str) -> None:
    assert not is_offered(DishFacts("d", "Dish of the day", ingredients=(ingredient,)), group)
