"""Bounds of nutrients that a request names, and a dish's nutrients as the answer gives them."""

from __future__ import annotations

from collections.abc import Sequence

from components.domain.catalogue import Listed
from components.domain.diet.nutrition import Nutrition, outside
from serving.nutrition_schema import NutrientBody, NutritionBody
from serving.schema import LeftOutDish, RecommendRequest


def split(
    request: RecommendRequest, dishes: Sequence[Listed], may_offer: set[str]
) -> tuple[set[str], list[LeftOutDish]]:
    """Ids of the dishes whose nutrients lie within the request's bounds, and the others with reasons.

    Args:
        request: Has the bounds.
        dishes: What the request asks about.
        may_offer: Ids of those that the person may eat; the rest is left out already.
    """
    left_out = [
        LeftOutDish(dish_id=listed.dish.dish_id, reasons=reasons)
        for listed in dishes
        if listed.dish.dish_id in may_offer
        and (reasons := outside(listed.nutrition, request.at_most, request.at_least))
    ]
    return may_offer - {dish.dish_id for dish in left_out}, left_out


def body_of(nutrition: Nutrition) -> NutritionBody:
    """The nutrients of a dish, for an answer."""
    nutrients = {
        name: NutrientBody(**vars(amount), confidence=amount.confidence)
        for name, amount in nutrition.amounts.items()
    }
    return NutritionBody(nutrients=nutrients, matches=list(nutrition.matches))
