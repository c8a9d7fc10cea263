"""What a person may eat and does not want now: a dish that they disliked, or that they ate lately."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from components.domain.catalogue import Listed, Person
from serving.schema import LeftOutDish

_DISLIKE = "the person's last opinion of it is a dislike"


def unwanted(dishes: Iterable[Listed], person: Person, rest_days: int, now: datetime) -> list[LeftOutDish]:
    """The dishes that are not offered for what the person thought or ate, with the reasons.

    Args:
        dishes: What the person may eat.
        person: As the service knows them.
        rest_days: Days of 24 hours for which a dish rests after it was chosen or ordered; 0 for none.
        now: The present moment, with a zone.
    """
    ids = [listed.dish.dish_id for listed in dishes]
    disliked, since = person.disliked, now - timedelta(days=rest_days)
    reasons = {dish: [_DISLIKE] if dish in disliked else [] for dish in ids}
    for dish in ids:
        at = person.eaten.get(dish)
        if rest_days and at and at > since:
            reasons[dish].append(f"chosen or ordered on {at:%Y-%m-%d}, within {rest_days} days")
    return [LeftOutDish(dish_id=dish, reasons=each) for dish, each in reasons.items() if each]
