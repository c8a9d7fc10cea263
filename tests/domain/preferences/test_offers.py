"""Of a large menu a choice is compared with a sample: equally likely dishes, the same from night to night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from components.domain.preferences.comparison_tables import choice_table
from components.domain.preferences.offers import MOST_ALTERNATIVES
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.tables import Comparisons
from tests.domain.preferences.opinion_logs import Line, log_of

DISHES = tuple(f"d{number:03}" for number in range(160))
START = datetime(2026, 1, 1, tzinfo=UTC)


def _choices(count: int, size: int, days: int = 5, seed: int = 0) -> OpinionLog:
    """Each of a person of its own, of any dish of one standing menu, which has an id a day."""
    draw = np.random.default_rng(seed)
    picks, hours = draw.integers(0, size, count), draw.integers(0, 24 * days, count)
    lines = [
        Line(f"p{n}", DISHES[dish], START + timedelta(hours=int(hour)), menu_id=f"m{hour // 24}")
        for n, (dish, hour) in enumerate(zip(picks, hours, strict=True))
    ]
    return log_of(lines, {f"m{day}": DISHES[:size] for day in range(days)})


@given(st.integers(2, len(DISHES)), st.integers(0, 99), st.sets(st.integers(0, len(DISHES) - 1)))
def test_a_sample_is_a_part_of_the_menu_in_its_order_with_the_chosen_dish(
    size: int, seed: int, absent: set[int]
) -> None:
    log = _choices(20, size, seed=seed)
    counts = np.array([number not in absent for number in range(len(log.dishes))])
    table, line = choice_table(log, counts)
    on_menu = [
        dish for dish, there in zip(log.dishes, counts, strict=True) if there and dish in DISHES[:size]
    ]
    for comparison in table:
        assert set(comparison.dishes) <= set(on_menu)
        assert list(comparison.dishes) == sorted(set(comparison.dishes))
        assert len(comparison.dishes) == min(len(on_menu), MOST_ALTERNATIVES + 1)
    assert [comparison.chosen for comparison in table] == [log.dishes[dish] for dish in log.dish[line]]


def test_every_alternative_is_as_likely_as_any_other() -> None:
    table, _ = choice_table(_choices(6000, 80))
    drawn = np.bincount(table.offered, minlength=80) - np.bincount(
        table.offered[table.chosen_at], minlength=80
    )
    missed = 6000 - np.bincount(table.offered[table.chosen_at], minlength=80)  # who could have got it
    assert chisquare(drawn, missed * drawn.sum() / missed.sum()).pvalue > 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_random_choices_from_a_large_menu_are_ordered_right_half_the_time(seed: int) -> None:
    table, _ = choice_table(_choices(4000, 120, seed=seed))
    scores = np.random.default_rng(seed).permutation(120)
    above = scores[table.offered[table.chosen_at]][table.owner] > scores[table.offered]
    shares = np.bincount(table.owner, above) / MOST_ALTERNATIVES
    assert abs(shares.mean() - 0.5) < 4 * shares.std() / np.sqrt(len(shares))


def test_what_comes_later_changes_no_sample() -> None:
    log = _choices(500, 150)
    first = log.take(np.flatnonzero(log.day < log.day.min() + 2))
    whole = dict(zip(*_by_key(choice_table(log)[0]), strict=True))
    keys, dishes = _by_key(choice_table(first)[0])
    assert len(keys) > 100
    assert [whole[key] for key in keys] == dishes


def test_what_else_a_person_chose_at_that_moment_is_no_alternative_of_a_sample() -> None:
    chosen = set(DISHES[::3])
    lines = [Line("x", dish, START, menu_id="m") for dish in chosen]
    table, _ = choice_table(log_of(lines, {"m": DISHES}))
    assert len(table) == len(chosen)
    assert all(set(comparison.dishes) & chosen == {comparison.chosen} for comparison in table)


def _by_key(table: Comparisons) -> tuple[list[str], list[tuple[str, ...]]]:
    return table.key.tolist(), [comparison.dishes for comparison in table]
