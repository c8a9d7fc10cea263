"""A probe takes something from every comparison, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.rivals.probes import with_history_of_another, without_history


@pytest.fixture
def last(comparisons: list[Comparison]) -> list[Comparison]:
    """Each person's last comparison; every history is another's."""
    return [each for each in comparisons if each.key.endswith("-3")]


def _swapped(comparisons: list[Comparison]) -> list[Comparison]:
    return list(with_history_of_another(comparison_table(comparisons), 0))


def test_without_history_nothing_else_changes(comparisons: list[Comparison]) -> None:
    table = comparison_table(comparisons)
    assert list(without_history(table)) == [replace(each, history=()) for each in table]


def test_a_swapped_history_is_another_persons(last: list[Comparison]) -> None:
    owners = {each.history: each.person_id for each in last}
    for before, after in zip(last, _swapped(last), strict=True):
        assert owners[after.history] != before.person_id
        assert (after.key, after.dishes) == (before.key, before.dishes)


def test_a_person_alone_on_a_day_gets_the_history_of_another_day(last: list[Comparison]) -> None:
    days = [replace(each, at=each.at + timedelta(days=10 * number)) for number, each in enumerate(last)]
    again = replace(days[-1], key="again")
    for some in days, days[:-1], [*last, again]:
        owners = {each.history: each.person_id for each in some}
        swapped = _swapped(some)
        assert len(swapped) == len(some)
        assert all(owners[each.history] != each.person_id for each in swapped)
    (alone,) = _swapped(last[:1])
    assert not alone.history


def test_histories_with_hidden_lines_travel_whole(comparisons: list[Comparison]) -> None:
    table = comparison_table(comparisons)
    some = table.with_history_lines(table.lines.line % 2 == 0)
    swapped = with_history_of_another(some, 1)
    histories = {some.question(number).history for number in range(len(some))} | {()}
    assert {each.history for each in swapped} <= histories
    assert isinstance(swapped, Comparisons)
    assert np.array_equal(swapped.offered, some.offered)
