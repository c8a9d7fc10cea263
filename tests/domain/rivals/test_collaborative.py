"""Rules on recurring dishes find shared tastes, and know nothing of dishes that training never had."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.preferences.strengths import (
    Opinions,
    histories,
    known_opinions,
    rating_spread,
)
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED, Comparison, Past, Question
from components.domain.rivals.collaborative import Collaborative, fit_collaborative
from components.domain.rivals.rules import popularity
from tests.domain.rivals.tastes import DISHES, NOW, accuracy, odd_or_even


def _fit(train: Comparisons) -> Collaborative:
    return fit_collaborative(known_opinions(train), len(train.log.dishes))


def test_neighbours_and_factors_find_tastes_that_popularity_cannot() -> None:
    train, test = odd_or_even(200, 100)
    tables = _fit(train)
    assert accuracy(tables.neighbours(test), test) > 0.8
    assert accuracy(tables.factors(test), test) > 0.8
    assert accuracy(popularity(train, test), test) < 0.7


def test_dishes_that_training_never_had_score_nothing() -> None:
    train, _ = odd_or_even(20, 20)
    tables, everything = _fit(train), tuple(DISHES)
    questions = question_table([Question("y", (), ("d8", "d2")), Question("z", (), everything)])
    assert tables.knows_any(questions)
    assert tables.neighbours(questions)[0] == tables.factors(questions)[0] == 0.0
    assert tables.neighbours(questions)[1] != 0.0
    assert not tables.knows_any(replace(questions, offered=np.full_like(questions.offered, 8)))


def test_strengths_are_verdicts_or_ratings_from_the_persons_mean() -> None:
    history = (Past("a", 1), Past("b", 0, 9.0), Past("c", 0, 5.0))
    one, other = Question("x", history, ("a", "b")), Question("y", (Past("a", 1),), ("a", "b"))
    both = histories(question_table([one, other]))
    assert both.strengths(2.0) == pytest.approx([1, 1, -1, 1])
    assert rating_spread(both) == pytest.approx(2.0)
    assert rating_spread(histories(question_table([other]))) == 1.0


def test_a_person_without_history_gets_the_mean() -> None:
    train, test = odd_or_even(50, 10)
    tables = _fit(train)
    nobody = test.with_history_of(test, np.full(len(test), -1))
    column = {int(dish): mean for dish, mean in zip(tables.dishes, tables.mean, strict=True)}
    expected = [column[int(dish)] for dish in test.offered]
    assert tables.neighbours(nobody) == pytest.approx(expected)
    assert tables.factors(nobody) == pytest.approx(expected)


def test_opinions_on_hidden_dishes_are_not_read() -> None:
    train, _ = odd_or_even(50, 10)
    known, hidden = known_opinions(train), np.array([1, 2])
    visible = ~np.isin(known.dish, hidden)
    sizes = np.bincount(known.group[visible], minlength=len(known.sizes))
    without = Opinions(known.dish[visible], known.verdict[visible], known.rating[visible], sizes)
    one, other = (
        fit_collaborative(known, len(train.log.dishes), hidden),
        fit_collaborative(without, len(train.log.dishes)),
    )
    assert np.array_equal(one.dishes, other.dishes)
    assert not np.isin(hidden, one.dishes).any()
    assert np.array_equal(one.similarity, other.similarity)


def test_the_tables_are_those_of_the_textbook_on_dense_arrays() -> None:
    train, test = odd_or_even(60, 20)
    tables = _fit(train)
    for number in range(len(test)):
        question = test.take([number])
        lines = histories(question)
        columns = np.searchsorted(tables.dishes, lines.dish)
        residual = lines.strengths(tables.spread) - tables.mean[columns]
        weights = tables.similarity[:, columns]
        scores = tables.mean + weights @ residual / (np.abs(weights).sum(1) + 1e-9)
        expected = scores[np.searchsorted(tables.dishes, question.offered)]
        assert tables.neighbours(question) == pytest.approx(expected)


def test_a_choice_counts_as_liked_until_a_history_says_more() -> None:
    def known(*histories: tuple[Past, ...]) -> list[tuple[int, int]]:
        days = [NOW + timedelta(days=day) for day in range(len(histories))]
        comparisons = [
            Comparison("x", history, ("d1", "d2"), str(day), day, "d1")
            for history, day in zip(histories, days, strict=True)
        ]
        opinions = known_opinions(comparison_table(comparisons))
        return list(zip(opinions.dish.tolist(), opinions.verdict.tolist(), strict=True))

    assert known(()) == [(0, LIKED)]
    assert known((), (Past("d1", DISLIKED),)) == [(0, DISLIKED)]
    assert known((Past("d1", LIKED),), (Past("d1", LIKED), Past("d1", DISLIKED))) == [(0, DISLIKED)]
