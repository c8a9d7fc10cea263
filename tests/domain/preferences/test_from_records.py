"""Records survive their table whatever they hold: repeated dishes, twins, other alphabets and time zones."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Past, Question

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DISHES = ("борщ", "豆腐", "crème", "Crème", "p", "q#2")
VERDICTS = (LIKED, NEUTRAL, DISLIKED)
PASTS = [
    Past(dish, verdict, rating) for dish in DISHES for verdict in VERDICTS for rating in (None, 0.0, 4.5)
]


def _random_comparisons(seed: int) -> list[Comparison]:
    """Comparisons of people in no order, with histories that name dishes more than once."""
    draw, comparisons = random.Random(seed), []
    for number in range(draw.randrange(1, 12)):
        dishes = tuple(draw.sample(DISHES, draw.randrange(1, 5)))
        history = tuple(draw.choices(PASTS, k=draw.randrange(6)))
        at = NOW.astimezone(timezone(timedelta(minutes=draw.randrange(-720, 720))))
        person, chosen = draw.choice(["x", "y", "Ада"]), draw.choice(dishes)
        comparisons.append(Comparison(person, history, dishes, f"k{number}", at, chosen))
    return comparisons


@pytest.mark.parametrize("seed", range(5))
def test_comparisons_come_back_whole_and_in_their_order(seed: int) -> None:
    comparisons = _random_comparisons(seed)
    assert list(comparison_table(comparisons)) == comparisons


@pytest.mark.parametrize("seed", range(10))
def test_every_question_has_its_history_to_itself_and_people_lie_together(seed: int) -> None:
    table = comparison_table(_random_comparisons(seed))
    assert sorted(table.lines.line.tolist()) == list(range(len(table.log)))
    assert (np.diff(table.log.person) >= 0).all()
    assert np.array_equal(table.log.person[table.lines.line], table.person[table.lines.question])


def test_a_person_without_history_may_be_asked_about_nothing() -> None:
    questions = [Question("y", (), ()), Question("x", (Past("p", LIKED),), ("p",)), Question("y", (), ())]
    table = question_table(questions)
    assert [table.question(number) for number in range(3)] == questions
    assert (table.log.people, table.log.dishes) == (("x", "y"), ("p",))
