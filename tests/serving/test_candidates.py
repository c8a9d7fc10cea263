"""Dishes that a person does not want now: to the moment, with all reasons, and no other dish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.catalogue import Listed, Person
from components.domain.records import DISLIKED, LIKED, Dish, Past
from serving.candidates import wanted_now
from serving.catalogue import Listing, listing_of
from serving.schemas.fields import LeftOutDish

NOW = datetime(2026, 11, 9, 12, tzinfo=UTC)
WEEK, MOMENT = timedelta(days=7), timedelta(microseconds=1)


def _listing(*ids: str) -> Listing:
    return listing_of(Listed(Dish(dish, dish), None, 0.5) for dish in ids)


def _unwanted(catalogue: Listing, person: Person, rest_days: int) -> list[LeftOutDish]:
    at = np.arange(len(catalogue.dishes))
    offered, left_out = wanted_now(person, catalogue, at, rest_days, NOW)
    ids = {catalogue.dishes[index].dish.dish_id for index in offered}
    assert ids == catalogue.position.keys() - {dish.dish_id for dish in left_out}
    return left_out


@pytest.mark.parametrize(
    ("at", "rests"), [(NOW - WEEK, False), (NOW - WEEK + MOMENT, True), (NOW, True), (NOW + WEEK, True)]
)
def test_a_dish_rests_to_the_moment(at: datetime, rests: bool) -> None:
    person = Person(eaten={"супа": at, "elsewhere": NOW})
    assert [dish.dish_id for dish in _unwanted(_listing("супа", "rice"), person, 7)] == ["супа"] * rests
    assert _unwanted(_listing("супа", "rice"), person, 0) == []


def test_a_dish_has_all_its_reasons_and_the_last_opinion_counts() -> None:
    history = (Past("soup", LIKED), Past("soup", DISLIKED), Past("rice", DISLIKED), Past("rice", LIKED))
    person = Person(history=history, eaten={"soup": NOW})
    (soup,) = _unwanted(_listing("rice", "soup"), person, 3650)
    assert soup.reasons == [
        "the person's last opinion of it is a dislike",
        "chosen or ordered on 2026-11-09, within 3650 days",
    ]


def test_of_many_dishes_only_the_persons_are_left_out() -> None:
    dishes = _listing(*map(str, range(10_000)))
    person = Person(eaten={str(dish): NOW for dish in range(0, 10_000, 100)})
    assert len(_unwanted(dishes, person, 1)) == 100
    assert _unwanted(dishes, Person(), 1) == []
    assert _unwanted(_listing(), person, 1) == []
