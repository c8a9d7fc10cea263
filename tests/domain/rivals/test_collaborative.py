"""Rules on recurring dishes find shared tastes, and know nothing of dishes that training never had."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.shapes import Events, many_choices, many_orders
from components.domain.preferences.from_records import question_table
from components.domain.preferences.strengths import Opinions, known_opinions
from components.domain.preferences.tables import Comparisons
from components.domain.records import Question
from components.domain.rivals.collaborative import Collaborative, fit_collaborative
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.rules import popularity
from tests.domain.rivals.chance import split_events
from tests.domain.rivals.tastes import DISHES, accuracy, odd_or_even

KNN, MODEL = (20, 5.0, 1.0), (3, 0.5)


def _fit(train: Comparisons, hidden: np.ndarray | None = None) -> Collaborative:
    """Tables of all that is known of the people of training."""
    log, may_know = train.log, np.isin(train.log.person, train.person)
    return fit_collaborative(known_opinions(log, may_know), log.menus, len(DISHES), hidden)


def test_neighbours_and_factors_find_tastes_that_popularity_cannot() -> None:
    train, test = odd_or_even(200, 100)
    tables, pairs = _fit(train), pairs_of(test)
    assert accuracy(pairs.on_offer(tables.neighbours(pairs, *KNN)), test) > 0.8
    assert accuracy(pairs.on_offer(tables.factors(pairs, *MODEL)), test) > 0.8
    assert accuracy(popularity(train, test), test) < 0.7


def test_dishes_that_training_never_had_score_nothing() -> None:
    train, _ = odd_or_even(20, 20)
    tables, everything = _fit(train), tuple(DISHES)
    questions = question_table([Question("y", (), ("d8", "d2")), Question("z", (), everything)])
    assert tables.knows_any(questions.offered)
    pairs = pairs_of(questions)
    for scores in (tables.neighbours(pairs, *KNN), tables.factors(pairs, *MODEL)):
        assert pairs.on_offer(scores)[0] == 0.0
        assert pairs.on_offer(scores)[1] != 0.0
    assert not tables.knows_any(np.array([8]))


def test_a_person_without_history_gets_the_mean() -> None:
    train, test = odd_or_even(50, 10)
    tables = _fit(train)
    pairs = pairs_of(test.with_history_of(test, np.full(len(test), -1)))
    expected = tables.moments.expected.mean[pairs.dish]
    assert tables.neighbours(pairs, *KNN) == pytest.approx(expected)
    assert tables.factors(pairs, *MODEL) == pytest.approx(expected)


def test_opinions_on_hidden_dishes_are_not_read() -> None:
    train, _ = odd_or_even(50, 10)
    tables = _fit(train, np.array([1, 2]))
    assert tables.moments.dishes.tolist() == [0, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("count", [2, 5, 50])
def test_item_knn_is_the_textbooks_on_dense_arrays(count: int) -> None:
    train, test = odd_or_even(60, 20)
    tables, pairs = _fit(train), pairs_of(test)
    scores = tables.neighbours(pairs, count, 25.0, 0.5)
    similarity = tables.similarity(25.0)
    strengths = pairs.strengths(tables.ratings).toarray()
    judged = pairs.counts().toarray() > 0
    for score, history, dish in zip(scores, pairs.history, pairs.dish, strict=True):
        target = int(np.searchsorted(tables.moments.dishes, dish))
        columns = [n for n, code in enumerate(tables.moments.dishes) if judged[history, code]]
        near = sorted(columns, key=lambda column: -similarity[target, column])[:count]
        weights = np.maximum(similarity[target, near], 0.0)
        residuals = (
            strengths[history, tables.moments.dishes[near]]
            - tables.moments.expected.mean[tables.moments.dishes[near]]
        )
        mean = tables.moments.expected.mean[dish]
        assert score == pytest.approx(mean + weights @ residuals / (weights.sum() + 0.5))


def test_a_table_of_nothing_scores_nothing() -> None:
    train, test = odd_or_even(20, 5)
    log, nothing = train.log, np.zeros(len(train.log), bool)
    tables = fit_collaborative(known_opinions(log, nothing), log.menus, len(log.dishes))
    pairs = pairs_of(test)
    assert not tables.neighbours(pairs, *KNN).any()
    assert not tables.factors(pairs, *MODEL).any()


@pytest.mark.parametrize(
    ("events", "by"),
    [(many_choices(0, people=200), "within_person"), (many_orders(0, people=200), "time")],
    ids=["choices", "orders"],
)
def test_picks_of_recurring_dishes_tell_tastes_as_well_as_the_field_can(events: Events, by: str) -> None:
    split = split_events(events, by)
    log, test = split.train.log, split.test
    opinions = known_opinions(log, split.may_know)
    tables, pairs = fit_collaborative(opinions, log.menus, len(log.dishes)), pairs_of(test)
    factors = accuracy(pairs.on_offer(tables.factors(pairs, 4, 1.0)), test)
    assert factors > accuracy(_pure_svd(opinions, test), test)
    assert factors > accuracy(popularity(split.train, test), test) + 0.08
    assert accuracy(pairs.on_offer(tables.neighbours(pairs, *KNN)), test) > factors - 0.06


def _pure_svd(opinions: Opinions, test: Comparisons) -> np.ndarray:
    """PureSVD (Cremonesi 2010): the truncated singular values of how often who picked what."""
    picks = np.zeros((len(opinions.sizes), len(test.log.dishes)))
    np.add.at(picks, (opinions.group, opinions.dish), 1.0)
    left, values, right = np.linalg.svd(picks, full_matrices=False)
    estimate = (left[:, :4] * values[:4]) @ right[:4]
    return np.asarray(estimate[test.person[test.owner], test.offered])
