"""What a serving of a dish holds: declared, that of the foods that it names, or unknown; and bounds of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.diet.nutrition import (
    NUTRIENTS,
    Amount,
    Food,
    FoodIndex,
    Nutrition,
    nutrition_of,
    outside,
)

SOUPS = [
    Food("Soup, lentil", {"kcal": 40.0, "sodium_mg": 200.0}),
    Food("Lentil soups, NFS", {"kcal": 65.0}),
    Food("Soup, lentil, with ham", {"kcal": 99.0, "fibre_g": 3.0}),
]
INDEX = FoodIndex([*SOUPS, Food("NFS", {"kcal": 9.0})])


def kcal(dish: dict[str, Any]) -> Amount | None:
    return nutrition_of(dish, INDEX).amounts.get("kcal")


def test_a_dish_without_figures_takes_those_of_the_foods_that_it_names_and_says_which() -> None:
    nutrition = nutrition_of({"name": "Lentil soups", "serving_g": 300.0}, INDEX)
    assert nutrition.amounts == {
        "kcal": Amount(120.0, 195.0, "serving", "estimated"),
        "sodium_mg": Amount(600.0, 600.0, "serving", "estimated"),
    }
    assert nutrition.matches == ("Soup, lentil", "Lentil soups, NFS")
    assert nutrition.amounts["kcal"].confidence.startswith("low")


@pytest.mark.parametrize("serving", [None, 0, 0.0, math.nan])
def test_without_a_weight_nobody_can_tell_a_serving(serving: float | None) -> None:
    amount = kcal({"name": "Lentil soup", "serving_g": serving})
    assert amount == Amount(40.0, 65.0, "100 g", "estimated")


def test_what_a_dish_declares_wins_and_the_rest_is_still_estimated() -> None:
    dish = {"name": "Lentil soup", "serving_g": 100.0, "kcal": 900.0, "protein_g": 0.0}
    nutrition = nutrition_of(dish, INDEX)
    assert nutrition.amounts["kcal"] == Amount(900.0, 900.0, "serving", "declared")
    assert nutrition.amounts["protein_g"] == Amount(0.0, 0.0, "serving", "declared")
    assert nutrition.amounts["sodium_mg"] == Amount(200.0, 200.0, "serving", "estimated")
    whole = nutrition_of({"name": "Lentil soup", **dict.fromkeys(NUTRIENTS, 1.0)}, INDEX)
    assert whole.matches == ()


def test_a_name_that_is_no_foods_tells_nothing() -> None:
    names = (
        "", "?", "with and", "NFS", "Halušky", "味噌汁 lentil", "суп", "ℓ€ntil 5oup", "Lentil", "Soup",
        "Soup of lentils", "Lentil soup, red", "lentilsoup", "\0", "((lentil", "x" * 200, "🍲",
    )  # fmt: skip
    rows = [{"name": name, "ingredients": ("oil",)} for name in names]
    assert [row for row in rows if nutrition_of(row, INDEX).amounts] == []


def test_a_serving_too_large_to_count_is_unknown() -> None:
    assert kcal({"name": "Lentil soup", "serving_g": 1e308}) is None


AMOUNTS = st.floats(0, 900, allow_nan=False)
WORDS = st.sampled_from(["lentil", "soup", "pie", "apple", "kale", "Tofu", "brød", "米", "1", ",", "and"])
NAMES = st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=40)
FOODS = st.builds(Food, NAMES, st.dictionaries(st.sampled_from(NUTRIENTS), AMOUNTS))
DISHES = st.fixed_dictionaries(
    {"name": NAMES, "serving_g": st.none() | st.floats(0, 1e300)},
    optional={name: st.none() | st.floats(0, 1e6) for name in NUTRIENTS},
)


@settings(max_examples=300)
@given(st.lists(FOODS, max_size=30), DISHES)
def test_intervals_are_ordered_finite_and_within_what_the_foods_hold(
    foods: list[Food], dish: dict[str, Any]
) -> None:
    nutrition = nutrition_of(dish, FoodIndex(foods))
    assert nutrition == nutrition_of(dish, FoodIndex(foods))
    by_name = {food.name for food in foods}
    assert set(nutrition.matches) <= by_name
    for name, amount in nutrition.amounts.items():
        assert 0 <= amount.low <= amount.high < math.inf
        if dish.get(name) is not None:
            assert amount == Amount(dish[name], dish[name], "serving", "declared")
            continue
        assert nutrition.matches
        assert amount.evidence == "estimated"
        if amount.per == "100 g":
            values = {food.per_100g.get(name) for food in foods if food.name in nutrition.matches}
            assert {amount.low, amount.high} <= values


@settings(max_examples=200)
@given(st.lists(FOODS, max_size=20), NAMES, st.randoms())
def test_the_order_of_words_and_foods_does_not_matter(foods: list[Food], name: str, random: Any) -> None:
    words, others = name.split(), list(foods)
    random.shuffle(others)
    one = nutrition_of({"name": name}, FoodIndex(foods)).amounts
    assert one == nutrition_of({"name": name}, FoodIndex(others)).amounts
    if set(words) <= {"lentil", "soup", "pie", "apple", "kale"}:
        random.shuffle(words)
        assert one == nutrition_of({"name": " ".join(words)}, FoodIndex(foods)).amounts


HELD = Nutrition(
    {"kcal": Amount(300.0, 700.0, "serving", "estimated"), "fat_g": Amount(1.0, 2.0, "100 g", "estimated")}
)


@pytest.mark.parametrize(
    ("at_most", "at_least", "sentence"),
    [
        ({"kcal": 700}, {"kcal": 300}, None),
        ({}, {}, None),
        ({"kcal": 699}, {}, "kcal of a serving is 300 to 700 (estimated), not shown to be at most 699"),
        ({}, {"kcal": 301}, "kcal of a serving is 300 to 700 (estimated), not shown to be at least 301"),
        ({"price": 9}, {}, "price of a serving is unknown: the dish does not state it"),
        ({"fat_g": 1e9}, {}, "foods of its name hold 1 to 2 in 100 g, and the dish states no serving_g"),
        ({}, {"fat_g": 0}, "fat_g of a serving is unknown"),
        (
            {"sugars_g": 1e9},
            {},
            "sugars_g of a serving is unknown: neither the dish nor a food",
        ),
    ],
)
def test_only_a_whole_interval_within_the_bounds_passes(
    at_most: dict[str, float], at_least: dict[str, float], sentence: str | None
) -> None:
    reasons = outside(HELD, at_most, at_least)
    assert reasons == [] if sentence is None else sentence in reasons[0]


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 100))
def test_a_stricter_bound_never_lets_more_through(
    low: float, width: float, bound: float, step: float
) -> None:
    nutrition = Nutrition({"kcal": Amount(low, low + width, "serving", "estimated")})
    if outside(nutrition, {"kcal": bound + step}, {}):
        assert outside(nutrition, {"kcal": bound}, {})
    if outside(nutrition, {}, {"kcal": bound}):
        assert outside(nutrition, {}, {"kcal": bound + step})
