"""Applies a request's bounds of nutrients, and writes a dish's nutrients into an answer."""

from __future__ import annotations

from components.domain.diet.nutrition import Nutrition, outside
from components.domain.preferences.arrays import Ints
from serving.listing import MOST_LEFT_OUT, Listing
from serving.schemas.fields import LeftOutDish
from serving.schemas.recommend import NutrientBody, NutritionBody, RecommendRequest


def split(request: RecommendRequest, catalogue: Listing, at: Ints) -> tuple[Ints, list[LeftOutDish]]:
    """Divides dishes by the request's bounds: positions of those within, and the others with reasons.

    Args:
        request: The request with the bounds.
        catalogue: All dishes.
        at: Positions of the dishes that the person may eat.
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
    """Writes the nutrients of a dish in the form of an answer."""
    nutrients = {
        name: NutrientBody(**vars(amount), confidence=amount.confidence)
        for name, amount in nutrition.amounts.items()
    }
    return NutritionBody(nutrients=nutrients, matches=list(nutrition.matches))
