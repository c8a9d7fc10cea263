"""Dishes that a person does not want now: to the moment, with all reasons, and no other dish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from components.domain.catalogue import Listed, Person
from components.domain.records import DISLIKED, LIKED, Dish, Past
from serving.unwanted import unwanted

NOW = datetime(2026, 11, 9, 12, tzinfo=UTC)
WEEK, MOMENT = timedelta(days=7), timedelta(microseconds=1)


def _listed(*ids: str) -> list[Listed]:
    return [Listed(Dish(dish, dish), None, 0.5) for dish in ids]


@pytest.mark.parametrize(
    ("at", "rests"), [(NOW - WEEK, False), (NOW - WEEK + MOMENT, True), (NOW, True), (NOW + WEEK, True)]
)
def test_a_dish_rests_to_the_moment(at: datetime, rests: bool) -> None:
    person = Person(eaten={"супа": at, "elsewhere": NOW})
    assert [dish.dish_id for dish in unwanted(_listed("супа", "rice"), person, 7, NOW)] == ["супа"] * rests
    assert unwanted(_listed("супа", "rice"), person, 0, NOW) == []


def test_a_dish_has_all_its_reasons_and_the_last_opinion_counts() -> None:
    history = (Past("soup", LIKED), Past("soup", DISLIKED), Past("rice", DISLIKED), Past("rice", LIKED))
    person = Person(history=history, eaten={"soup": NOW})
    (soup,) = unwanted(_listed("rice", "soup"), person, 3650, NOW)
    assert soup.reasons == [
        "the person's last opinion of it is a dislike",
        "chosen or ordered on 2026-11-09, within 3650 days",
    ]


def test_of_many_dishes_only_the_persons_are_left_out() -> None:
    dishes = _listed(*map(str, range(10_000)))
    person = Person(eaten={str(dish): NOW for dish in range(0, 10_000, 100)})
    assert len(unwanted(dishes, person, 1, NOW)) == 100
    assert unwanted(dishes, Person(), 1, NOW) == []
    assert unwanted([], person, 1, NOW) == []
