"""What a test day is: brute force agrees; what one person says late shrinks no test and closes no entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.comparisons import compare
from components.domain.preferences.held_out_days import MIN_PEOPLE, cut_day, enough_people, entries
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED
from components.stages.split import divide
from tests.conftest import REPO
from tests.domain.preferences.opinion_logs import Line, log_of
from tests.tables import whole_table

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MENUS = {f"m{number}": (f"a{number}", f"b{number}") for number in range(60)}
Visit = tuple[int, int]  # number of the person, number of the day


def _log(visits: Sequence[Visit], more: Sequence[Line] = ()) -> OpinionLog:
    """A choice from the day's menu for each person and day, and more lines."""
    lines = [
        Line(f"p{person}", f"{'ab'[(person + day) % 2]}{day}", _noon(day), menu_id=f"m{day}")
        for person, day in visits
    ]
    return log_of([*lines, *more], MENUS)


def _noon(day: int) -> datetime:
    return NOON + timedelta(days=day)


def _compared(visits: Sequence[Visit]) -> Comparisons:
    return compare(_log(visits), 0)


def _split(log: OpinionLog, test_days: int, min_history: int) -> Split:
    from components.domain.params_file import read_params

    settings = read_params(REPO / "params.yaml").split
    return divide(settings.model_copy(update={"test_days": test_days, "min_history": min_history}), log)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), min_size=2, max_size=60, unique=True),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_the_cut_is_the_latest_day_with_as_many_test_days_behind_it(
    visits: list[Visit], test_days: int, least: int
) -> None:
    comparisons = _compared(visits)
    days = sorted({day for _, day in visits})
    history = {
        (person, cut): sum(p == person and day < cut for p, day in visits)
        for person, _ in visits
        for cut in days
    }
    histories, least = [day for person, day in visits if history[person, day]], max(1, least)
    testable = [
        (person, day)
        for person, day in visits
        if history[person, day] >= least and histories and day > min(histories)
    ]
    enough = enough_people(*np.array(testable, int).reshape(-1, 2).T)

    def test_days_from(cut: int) -> int:
        if not histories or cut <= min(histories):
            return 0
        tested = [
            sum(d == day and history[person, cut] >= least for person, d in visits)
            for day in days
            if day >= cut
        ]
        return sum(count >= enough for count in tested)

    most = min(test_days, max(map(test_days_from, days)))
    latest = max((day for day in days if most and test_days_from(day) >= most), default=days[-1] + 1)
    cut = cut_day(comparisons, test_days, least)
    assert cut == np.datetime64(_noon(latest).date())


CANTEEN = [(person, day) for day in range(12) for person in range(40)]
LATE = [
    [Line("p1", f"a{day}", _noon(day)) for day in (12, 13, 14)],  # likes, with nothing to compare them to
    [Line("p1", f"a{day}", _noon(day), menu_id=f"m{day}") for day in range(12, 52)],
    [Line("new", f"a{day}", _noon(day), menu_id=f"m{day}") for day in range(12, 52)],
    [Line(f"p{n}", f"a{day}", _noon(day), menu_id=f"m{day}") for day in range(12, 52) for n in range(19)],
    [Line(f"new{n}", f"a{n % 50}", _noon(50), menu_id=f"m{n % 50}") for n in range(200)],
]


@pytest.mark.parametrize("late", LATE)
def test_what_few_people_say_late_shrinks_no_test(late: list[Line]) -> None:
    alone, attacked = _split(_log(CANTEEN), 3, 3), _split(_log(CANTEEN, late), 3, 3)
    assert len(alone.test) == 3 * 40
    assert set(alone.test.key) <= set(attacked.test.key)
    assert set(attacked.train.key) == set(alone.train.key)


@pytest.mark.parametrize(("people", "needed"), [(1, 1), (3, 2), (10, 5), (58, 29), (400, MIN_PEOPLE)])
def test_enough_is_half_a_usual_day_and_a_home_has_test_days(people: int, needed: int) -> None:
    visits = [(person, day) for day in range(8) for person in range(people)]
    pairs = np.array(visits)
    assert enough_people(*pairs.T) == needed
    one_more = np.concatenate([pairs, [(people, day) for day in range(8, 5000)]])
    assert people < 3 or enough_people(*one_more.T) == needed
    assert len(np.unique(_split(_log(visits), 3, 3).test.day)) == 3


def test_who_was_there_once_does_not_hide_the_days_of_today() -> None:
    """A feast of 500, years ago, leaves a site of ten a day its test days."""
    feast = [(person, 0) for person in range(500)]
    usual = [(person, day) for day in range(1, 40) for person in range(10)]
    assert len(np.unique(_split(_log([*feast, *usual]), 3, 1).test.day)) == 3


def test_where_nobody_can_be_tested_all_is_trained_on() -> None:
    often = [
        Line("ada", dish, NOON + timedelta(minutes=n), menu_id="m0") for n, dish in enumerate(["a0", "b0"])
    ]
    split = _split(_log([], often), 3, 3)
    assert (len(split.train), len(split.test)) == (1, 0)


def test_opinions_stated_over_days_have_test_days() -> None:
    lines = [
        Line(f"p{person}", f"d{dish}", _noon(day), LIKED if (dish + person) % 2 else DISLIKED)
        for person in range(12)
        for day in range(10)
        for dish in range(4 * day, 4 * day + 4)
    ]
    split = _split(log_of(lines, {}), 3, 3)
    assert np.unique(split.test.day).tolist() == [_noon(day).date() for day in (7, 8, 9)]


def _entries(sizes: Sequence[int], after: int | None = None, today: int | None = None) -> list[list[int]]:
    """The days of each entry, where each day has so many people, all different within ten days."""
    visits = [(1000 * (day % 10) + person, day) for day, size in enumerate(sizes) for person in range(size)]
    comparisons = _compared(visits)
    day_of = [None if day is None else str(_noon(day).date()) for day in (after, today)]
    first = np.datetime64(NOON.date())
    return [
        np.unique(comparisons.day[numbers] - first).astype(int).tolist()
        for numbers in entries(comparisons.person, comparisons.day, day_of[0] or "", day_of[1] or "")
    ]


@whole_table(
    "sizes result",
    [
        ([40, 40, 40], [[0], [1], [2]]),
        ([30, 1, 29, 30], [[0], [1, 2], [3]]),
        ([10, 10, 10, 10], [[0, 1, 2]]),
        ([29, 1, 1], []),  # early rows of days that are to come
        ([29, 1, 39], [[0, 1, 2]]),
        ([1] * 60, []),  # ten people at most, however often they come
        ([39, 1], [[0]]),
        ([], []),
    ],
)
def test_an_entry_has_enough_people_and_ends_on_a_full_day(sizes: list[int], result: list[list[int]]) -> None:
    assert _entries(sizes) == result


def test_an_early_event_hides_no_rows_that_come_late() -> None:
    assert _entries([29, 1, 1]) == []
    assert _entries([29, 39, 1]) == [[0, 1]]  # the next night, with the late rows
    assert _entries([40, 35, 9], today=1) == [[0]]
    assert _entries([40, 60, 40], after=0, today=2) == [[1]]
