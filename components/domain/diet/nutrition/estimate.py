"""The nutrients of a dish: declared ones first, the range of like foods where nothing is declared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.domain.diet.nutrition.likeness import FoodIndex, Rule, plausible
from components.domain.diet.nutrition.values import NUTRIENTS, Amount, Food, Nutrition

RULE = Rule()


def nutrition_of(dish: Mapping[str, Any], foods: FoodIndex) -> Nutrition:
    """What a dish holds, by nutrient.

    The ingredients are not read: without their weights 100 g may be all oil or all water.

    Args:
        dish: A row of the contract; nutrients that it has are per serving.
        foods: Prepared foods, as eaten.
    """
    declared = {name: _number(dish.get(name)) for name in NUTRIENTS}
    amounts = {
        name: Amount(value, value, "serving", "declared")
        for name, value in declared.items()
        if value is not None
    }
    near = [] if len(amounts) == len(NUTRIENTS) else plausible(foods.near(str(dish["name"])), RULE)
    matches = [food for _, same in near for food in same]
    serving = _number(dish.get("serving_g"))
    estimated = {
        name: amount
        for name, bounds in ranges([same for _, same in near], RULE.fewest).items()
        if name not in amounts and (amount := _amount(bounds, serving))
    }
    return Nutrition(amounts | estimated, tuple(food.name for food in matches) if estimated else ())


def ranges(foods: Sequence[Sequence[Food]], fewest: int) -> dict[str, tuple[float, float]]:
    """Least and largest amount in 100 g of the foods, by nutrient.

    Args:
        foods: Lists of foods whose names have the same words.
        fewest: Of so many lists a nutrient must be on record.
    """
    result = {}
    for name in NUTRIENTS:
        entries = [[food.per_100g[name] for food in same if name in food.per_100g] for same in foods]
        values = [value for entry in entries for value in entry]
        if values and sum(map(bool, entries)) >= fewest:
            result[name] = (min(values), max(values))
    return result


def _amount(per_100g: tuple[float, float], serving: float | None) -> Amount | None:
    low, high = per_100g
    if not serving:
        return Amount(low, high, "100 g", "estimated")
    low, high = low * serving / 100, high * serving / 100
    return Amount(low, high, "serving", "estimated") if math.isfinite(high) else None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) and value >= 0 else None
