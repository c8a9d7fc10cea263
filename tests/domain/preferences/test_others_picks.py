"""Orders and likes against other people's: whom they are drawn from, and that nothing tells who is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from components.domain.preferences.comparisons import compare
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.others_picks import NEAREST, OTHERS, pairs_with_others
from components.domain.records import LIKED
from tests.domain.preferences.opinion_logs import Line, log_of

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDERS = st.builds(
    lambda person, dish, hours, order: Line(person, dish, START + timedelta(hours=hours), LIKED, order=order),
    st.sampled_from("xyzw"),
    st.sampled_from("abcdefgh"),
    st.integers(0, 200),
    st.booleans(),
)


def _random_orders(people: int, dishes: int, days: int, events: int, seed: int = 0) -> list[Line]:
    draw = np.random.default_rng(seed)
    columns = (draw.integers(0, count, events).tolist() for count in (people, dishes, days))
    return [
        Line(f"p{person}", f"d{dish}", START + timedelta(days=day), order=True)
        for person, dish, day in zip(*columns, strict=True)
    ]


def _pairs(log: OpinionLog, seed: int = 0) -> set[tuple[int, int]]:
    line, other = pairs_with_others(log, seed)
    assert len(line) == len(set(zip(line.tolist(), other.tolist(), strict=True)))
    return set(zip(line.tolist(), other.tolist(), strict=True))


@given(st.lists(ORDERS, max_size=60), st.integers(0, 3))
def test_a_pick_meets_a_few_of_other_people_that_neither_has_on_that_day(
    lines: list[Line], seed: int
) -> None:
    log = log_of(lines, {})
    had: dict[tuple[bool, int, np.datetime64], set[int]] = {}
    for line in range(len(log)):
        key = bool(log.is_order[line]), int(log.person[line]), log.day[line]
        had.setdefault(key, set()).add(int(log.dish[line]))
    pairs = _pairs(log, seed)
    for line, other in pairs:
        kinds = bool(log.is_order[line]), bool(log.is_order[other])
        assert kinds[0] == kinds[1]
        assert log.person[line] != log.person[other]
        assert log.day[other] <= log.day[line]
        assert int(log.dish[other]) not in had[kinds[0], int(log.person[line]), log.day[line]]
        assert int(log.dish[line]) not in had[kinds[0], int(log.person[other]), log.day[other]]
    assert np.bincount([line for line, _ in pairs] or [0], minlength=1).max() <= OTHERS


def test_of_few_picks_all_are_met_and_of_many_each_as_often() -> None:
    few = log_of([Line(who, f"d{who}", START, order=True) for who in "abcd"], {})
    assert _pairs(few) == {(line, other) for line in range(4) for other in range(4) if line != other}
    many = log_of([Line(f"p{n:02}", f"d{n:02}", START, order=True) for n in range(40)], {})
    drawn = [pair for seed in range(200) for pair in _pairs(many, seed)]
    assert len(drawn) == 200 * 40 * OTHERS
    counts = np.zeros((40, 40))
    np.add.at(counts, tuple(np.array(drawn).T), 1)
    assert not counts.diagonal().any()
    assert stats.chisquare(counts[~np.eye(40, dtype=bool)]).pvalue > 1e-4


def test_a_person_with_many_picks_around_meets_those_of_others() -> None:
    many = [Line("busy", f"o{n}", START + timedelta(days=n % 3), order=True) for n in range(150)]
    others = [Line(f"p{n}", f"d{n}", START + timedelta(days=n % 3), order=True) for n in range(12)]
    log = log_of([*many, *others], {})
    pairs = _pairs(log)
    last = np.flatnonzero((log.person == log.people.index("busy")) & (log.day == log.day.max()))
    assert {line for line, _ in pairs} >= set(last.tolist())
    assert all(sum(line == each for line, _ in pairs) == OTHERS for each in last)
    met = {other for line, other in pairs if line in last}
    assert len(met) == 12


def test_the_picks_before_a_day_with_few_are_the_nearest() -> None:
    lines = [Line(f"p{n}", f"d{n}", START + timedelta(days=n), order=True) for n in range(2 * NEAREST)]
    log = log_of(lines, {})
    days = log.day.astype(np.int64)
    gaps = [int(days[line] - days[other]) for line, other in _pairs(log)]
    assert max(gaps) == NEAREST - 1
    assert min(gaps) == 1


@pytest.mark.parametrize("people", [2, 30])
def test_on_random_orders_no_popularity_tells_which_was_preferred(people: int) -> None:
    table = compare(log_of(_random_orders(people, 20, 60, 4000), {}), 0)
    counts = np.bincount(table.log.dish, minlength=20)
    pairs = counts[table.offered].reshape(-1, 2)
    chosen, other = pairs[np.arange(len(pairs)), table.chosen], pairs[np.arange(len(pairs)), 1 - table.chosen]
    right = np.mean((chosen > other) + 0.5 * (chosen == other))
    assert abs(right - 0.5) < 4 * 0.5 / np.sqrt(people * 60)  # a draw's pairs are not independent


def test_later_days_change_no_earlier_pair() -> None:
    lines = _random_orders(8, 12, 10, 300)
    before = [line for line in lines if line.at < START + timedelta(days=7)]
    moved = [*before, *(replace(line, dish_id="d0") for line in lines[:40] if line not in before)]
    keys = [
        {each.key for each in compare(log_of(part, {}), 0) if each.at < START + timedelta(days=7)}
        for part in (before, lines, moved)
    ]
    assert keys[0]
    assert keys[0] == keys[1] == keys[2]


def test_another_seed_draws_others_and_the_same_seed_the_same() -> None:
    log = log_of(_random_orders(8, 50, 3, 300), {})
    assert _pairs(log, 1) == _pairs(log, 1) != _pairs(log, 2)
