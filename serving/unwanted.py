"""Leaves out dishes that a person may eat but does not want now: disliked ones, and ones eaten lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from components.domain.catalogue import Person
from components.domain.preferences.arrays import Ints
from serving.listing import Listing
from serving.schemas.fields import LeftOutDish

_DISLIKE = "the person's last opinion of it is a dislike"


def split(
    person: Person, catalogue: Listing, at: Ints, rest_days: int, now: datetime
) -> tuple[Ints, list[LeftOutDish]]:
    """Divides dishes by what the person wants now: positions of the offered ones, and others with reasons.

    Args:
        person: The person as the store knows them.
        catalogue: All dishes.
        at: Positions of the dishes that the person may eat.
        rest_days: Days of 24 hours for which a dish rests after it was chosen or ordered; 0 for none.
        now: The present moment, with a zone.
    """
    reasons = {dish: [_DISLIKE] for dish in person.disliked}
    since = now - timedelta(days=rest_days)
    for dish, eaten in person.eaten.items():
        if rest_days and eaten > since:
            sentence = f"chosen or ordered on {eaten:%Y-%m-%d}, within {rest_days} days"
            reasons.setdefault(dish, []).append(sentence)
    listed = {catalogue.dishes[index].dish.dish_id for index in at} if reasons else set()
    left_out = [LeftOutDish(dish_id=dish, reasons=reasons[dish]) for dish in sorted(listed & reasons.keys())]
    return catalogue.without(at, reasons), left_out
