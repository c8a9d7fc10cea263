"""The nutrients of a dish: declared ones, else those of the foods that its name names. Costs are declared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from components.domain.diet.nutrition.foods import FoodIndex
from components.domain.diet.nutrition.values import NUTRIENTS, QUANTITIES, Amount, Nutrition


def nutrition_of(dish: Mapping[str, Any], foods: FoodIndex) -> Nutrition:
    """Tells what a dish holds, by nutrient, and what it costs.

    The ingredients are not read: without their weights 100 g may be all oil or all water.

    Args:
        dish: A row of the contract; quantities that it has are per serving.
        foods: Prepared foods, as eaten.
    """
    declared = {name: _number(dish.get(name)) for name in QUANTITIES}
    amounts = {
        name: Amount(value, value, "serving", "declared")
        for name, value in declared.items()
        if value is not None
    }
    named, serving = foods.named(str(dish["name"])), _number(dish.get("serving_g"))
    estimated = {}
    for name in NUTRIENTS:
        values = [food.per_100g[name] for food in named if name in food.per_100g]
        amount = _amount(min(values), max(values), serving) if values and name not in amounts else None
        if amount:
            estimated[name] = amount
    return Nutrition(amounts | estimated, tuple(food.name for food in named) if estimated else ())


def _amount(low: float, high: float, serving: float | None) -> Amount | None:
    """Converts amounts in 100 g to a serving, where its weight is known and the result is a number."""
    if not serving:
        return Amount(low, high, "100 g", "estimated")
    low, high = low * serving / 100, high * serving / 100
    return Amount(low, high, "serving", "estimated") if math.isfinite(high) else None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) and value >= 0 else None
