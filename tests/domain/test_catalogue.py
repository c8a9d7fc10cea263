"""What a service knows: histories with what was said since, and a table without a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from components.domain.catalogue import (
    NAMELESS,
    Line,
    Thresholds,
    last_eaten,
    never_emptied,
    with_feedback,
)
from components.domain.exposures import SERVICE, Feedback
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Past

MORNING = datetime(2026, 11, 1, 8, tzinfo=UTC)


def _feedback(dish: str, kind: str, hour: int, value: float | None = None) -> Feedback:
    return Feedback("e", "ada", dish, kind, value, "", MORNING + timedelta(hours=hour))


def _line(past: Past, hour: int, source: str = SERVICE) -> Line:
    return Line(past, MORNING + timedelta(hours=hour), source, is_stated=True)


def test_feedback_replaces_what_was_stated_before_and_adds_what_was_eaten() -> None:
    history = [_line(Past("1", LIKED), 0), _line(Past("2", DISLIKED), 1)]
    news = [
        _feedback("1", "dislike", 2),
        _feedback("2", "rating", 3, 3.0),
        _feedback("3", "order", 4),
        _feedback("3", "order", 5),
        _feedback("4", "like", 6),
        _feedback("4", "retract", 7),
    ]
    assert with_feedback(history, news, Thresholds(4, 2)) == (
        Past("1", DISLIKED),
        Past("2", NEUTRAL, 3.0),
        Past("3", LIKED),
        Past("3", LIKED),
    )


def test_what_a_device_sends_late_stands_where_it_happened() -> None:
    history = [_line(Past("1", DISLIKED), 5), _line(Past("2", LIKED), 6)]
    news = [
        _feedback("1", "like", 3),
        _feedback("2", "retract", 4),
        _feedback("3", "order", 2),
        _feedback("3", "retract", 7),
    ]
    assert with_feedback(history, news, Thresholds(4, 2)) == (
        Past("3", LIKED),
        Past("1", DISLIKED),
        Past("2", LIKED),
    )


def test_a_dish_was_last_eaten_when_it_was_chosen_or_ordered_last() -> None:
    first, second, third = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3))
    news = [
        Feedback("e1", "ada", "1", "order", None, "", first),  # it came late, and is older
        Feedback("e2", "ada", "2", "choice", None, "a", third),
        Feedback("e3", "ada", "2", "order", None, "", second),
        Feedback("e4", "ada", "3", "like", None, "", third),
        Feedback("e5", "ada", "1", "retract", None, "", third),  # an opinion is taken back, no meal
    ]
    assert last_eaten({"1": second}, news) == {"1": second, "2": third}


@pytest.mark.parametrize(
    ("were_people", "some_forgotten", "stays"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_a_table_whose_last_person_was_forgotten_is_still_a_table(
    were_people: bool, some_forgotten: bool, stays: bool
) -> None:
    assert never_emptied([], were_people=were_people, some_forgotten=some_forgotten) == [NAMELESS] * stays
    ada = {**NAMELESS, "person_id": "ada"}
    assert never_emptied([ada], were_people=were_people, some_forgotten=some_forgotten) == [ada]
