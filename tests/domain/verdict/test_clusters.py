"""Intervals hold what they promise when people and menu days both matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.clusters import estimate, two_way_error
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
    assert result.interval(0.95).high - result.mean == 1.0


def test_comparisons_that_were_not_scored_are_left_out() -> None:
    table = _table(np.array([0, 0, 1]), np.array([0, 1, 0]))
    result = estimate(np.array([1.0, np.nan, 0.0]), table)
    assert (result.mean, result.people, result.comparisons, result.others) == (0.5, 2, 2, 1)
