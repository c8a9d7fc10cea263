"""Intervals hold what they promise when people and menu days both matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.held_out_days import MIN_PEOPLE
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.clusters import dish_error, estimate, two_way_error
from tests.domain.rivals.tastes import NOW

SETS = 2000


def _shape(
    people: int, menu_days: int, share: float, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Who was there on which menu day."""
    there = draw.random((people, menu_days)) < share
    return np.nonzero(there)


@pytest.mark.parametrize("menu_days", [10, 20, 60])
def test_the_interval_covers_the_truth_as_often_as_it_says(menu_days: int) -> None:
    draw, covered = np.random.default_rng(menu_days), 0
    person, day = _shape(150, menu_days, 0.4, draw)
    table = _table(person, day)
    for _ in range(SETS):
        values = 0.02 + draw.normal(0, 0.05, 150)[person] + draw.normal(0, 0.04, menu_days)[day]
        interval = estimate(values + draw.normal(0, 0.3, len(values)), table).interval(0.95)
        covered += interval.low <= 0.02 <= interval.high
    assert 0.93 <= covered / SETS <= 0.985


def _table(person: np.ndarray, day: np.ndarray) -> Comparisons:
    one = comparison_table([Comparison("x", (), ("a", "b"), "k", NOW, "a")])
    table = one.take(np.zeros(len(person), np.int64))
    days = np.datetime64("2026-01-01") + day
    columns: dict[str, Any] = {"person": person.astype(np.int64), "menu": day.astype(np.int64), "day": days}
    return replace(table, **columns)


def test_people_alone_would_promise_too_much() -> None:
    draw = np.random.default_rng(1)
    person, day = _shape(150, 10, 0.4, draw)
    values = draw.normal(0, 0.05, 10)[day] + draw.normal(0, 0.01, len(day))
    influence = (values - values.mean()) / len(values)
    people_alone = two_way_error(influence, person, person)
    assert two_way_error(influence, person, day) > 3 * people_alone


def test_without_menus_people_are_the_clusters() -> None:
    draw = np.random.default_rng(2)
    person = np.repeat(np.arange(50), 4)
    table = _table(person, np.full(200, -1))
    values = draw.normal(size=50)[person] + draw.normal(size=200)
    result = estimate(values, table)
    means = values.reshape(50, 4).mean(1)
    assert (result.people, result.others) == (50, None)
    assert result.mean == pytest.approx(means.mean())
    assert result.error == pytest.approx(means.std(ddof=1) / 50**0.5)


def test_one_person_or_one_menu_day_says_nothing_of_the_width() -> None:
    one_day = _table(np.arange(40), np.zeros(40, int))
    result = estimate(np.linspace(0, 1, 40), one_day)
    assert result.margin(0.95) == float("inf")
    assert result.interval(0.95, lowest=0.0).bounds() == "unknown"
    for people, some in ((1, 3), (2, 1), (29, 2), (40, 2), (40, 10)):
        person, day = np.divmod(np.arange(people * some), some)
        values = (person % 2).astype(float)
        for lowest in (0.0, -1.0):
            interval = estimate(values + lowest * (day % 2), _table(person, day)).interval(0.95, lowest)
            assert lowest <= interval.low <= interval.mean <= interval.high <= 1.0
            assert people >= MIN_PEOPLE or interval.bounds("+.3f") == "unknown"


def test_comparisons_that_were_not_scored_are_left_out() -> None:
    table = _table(np.array([0, 0, 1]), np.array([0, 1, 0]))
    result = estimate(np.array([1.0, np.nan, 0.0]), table)
    assert (result.mean, result.people, result.comparisons, result.others) == (0.5, 2, 2, 1)


def _pairs(people: int, dishes: int, draw: np.random.Generator) -> tuple[Comparisons, np.ndarray, np.ndarray]:
    """A table in which each person judges some pairs of dishes, with the pairs and the people."""
    person = np.repeat(np.arange(people), 6)
    pair = np.array([sorted(draw.permutation(dishes)[:2]) for _ in person])
    table = _table(person, np.full(len(person), -1))
    return replace(table, offered=pair.ravel().astype(np.int64)), person, pair


@pytest.mark.parametrize(("people", "dishes"), [(5, 4), (12, 6), (1, 8), (9, 2)])
def test_the_error_over_dishes_is_the_sum_over_all_comparisons_that_share_one(
    people: int, dishes: int
) -> None:
    draw = np.random.default_rng(people)
    table, person, pair = _pairs(people, dishes, draw)
    influence = draw.normal(size=len(person))
    shares_dish = (pair[:, None, :, None] == pair[None, :, None, :]).any((2, 3))
    shares_person = person[:, None] == person
    products = np.outer(influence, influence)
    count = len(np.unique(pair))
    nests = len(np.unique(person * dishes + pair.T))
    over_people = (products * shares_person).sum() * people / max(1, people - 1)
    over_dishes = (products * shares_dish).sum() * count * (count - 1) / max(1, (count - 2) ** 2)
    crossed = (products * shares_dish * shares_person).sum() * nests * (nests - 1) / max(1, (nests - 2) ** 2)
    expected = max(over_people + over_dishes - crossed, over_people, over_dishes)
    assert dish_error(influence, person, table) ** 2 == pytest.approx(expected)


@pytest.mark.parametrize("dishes", [10, 20, 60])
def test_the_interval_over_dishes_covers_the_truth_as_often_as_it_says(dishes: int) -> None:
    """Each dish has an error of its own that all its pairs share, as when a model misreads its name.

    With ten dishes 2,000 sets gave 92 %, which decision 0024 says; with 20 and 60 dishes 94 %.
    """
    draw, covered = np.random.default_rng(dishes), 0
    for _ in range(SETS // 4):
        table, person, pair = _pairs(100, dishes, draw)
        of_dishes = draw.normal(0, 0.05, dishes)[pair].sum(1)
        values = 0.02 + of_dishes + draw.normal(0, 0.05, 100)[person] + draw.normal(0, 0.3, len(person))
        result = estimate(values, table, "dishes")
        interval = result.interval(0.95)
        covered += interval.low <= 0.02 <= interval.high
        assert (result.others, result.unit) == (dishes, "dishes")
    assert covered / (SETS // 4) >= (0.9 if dishes == 10 else 0.92)
