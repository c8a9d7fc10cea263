"""Bounds of nutrients that a request names, and a dish's nutrients as the answer gives them."""

from __future__ import annotations

from components.domain.diet.nutrition import Nutrition, outside
from components.domain.preferences.arrays import Ints
from serving.listing import MOST_LEFT_OUT, Listing
from serving.nutrition_schema import NutrientBody, NutritionBody
from serving.recommend_schema import RecommendRequest
from serving.schema import LeftOutDish


def split(request: RecommendRequest, catalogue: Listing, at: Ints) -> tuple[Ints, list[LeftOutDish]]:
    """Positions of the dishes whose nutrients lie within the request's bounds, and the others with reasons.

    Args:
        request: Has the bounds.
        catalogue: All dishes.
        at: Positions of what the person may eat.
    """
    if not request.at_most and not request.at_least:
        return at, []
    dishes = [catalogue.dishes[index] for index in at]
    reasons = [outside(listed.nutrition, request.at_most, request.at_least) for listed in dishes]
    left_out = [
        LeftOutDish(dish_id=listed.dish.dish_id, reasons=sentences)
        for listed, sentences in zip(dishes, reasons, strict=True)
        if sentences
    ]
    return at[[not sentences for sentences in reasons]], left_out[:MOST_LEFT_OUT]


def body_of(nutrition: Nutrition) -> NutritionBody:
    """The nutrients of a dish, for an answer."""
    nutrients = {
        name: NutrientBody(**vars(amount), confidence=amount.confidence)
        for name, amount in nutrition.amounts.items()
    }
    return NutritionBody(nutrients=nutrients, matches=list(nutrition.matches))
