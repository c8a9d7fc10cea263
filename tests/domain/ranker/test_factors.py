"""Text factors rank new dishes by their vectors and recurring ones by opinions, and never make up a taste."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.arrays import Floats
from components.domain.preferences.dish_split import split_by_dish
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.opinions import opinion_log
from components.domain.preferences.splits import Split, seeded_share, split_within_person
from components.domain.preferences.strengths import known_opinions
from components.domain.ranker.factors import Dishes, Factors, text_factors
from components.domain.ranker.fit_factors import clearly_best, fit_factors
from components.domain.ranker.prompts import Reading
from tests.domain.preferences.opinion_logs import SCALE
from tests.domain.rivals.tastes import NOW, accuracy

NOBODY = frozenset[str]()


def _world(
    seed: int, people: int = 120, dishes: int = 40, width: int = 12, personal: float = 1.0, noise: float = 0.5
) -> tuple[Any, Floats]:
    """Ratings whose truth is linear in the dishes' vectors, and these vectors."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(dishes, width))
    tastes = personal * draw.normal(size=(people, width)) / np.sqrt(width)
    truth = vectors @ draw.normal(size=width) / np.sqrt(width) + tastes @ vectors.T
    rows = [
        {
            "person_id": f"p{person:03}",
            "dish_id": f"d{dish:03}",
            "kind": "rating",
            "value": float(np.clip(3 + truth[person, dish] + noise * draw.normal(), 1, 5)),
            "menu_id": "",
            "occurred_at": NOW + timedelta(minutes=dish),
            "source": "",
        }
        for person in range(people)
        for dish in draw.permutation(dishes)[: dishes // 2].tolist()
    ]
    return opinion_log(EventColumns.of(rows), [f"d{dish:03}" for dish in range(dishes)], {}, SCALE), vectors


def _dishes(vectors: Floats) -> Dishes:
    return Dishes(vectors, np.arange(len(vectors)))


def _by_dish(log: Any, share: int = 4) -> Split:
    return split_by_dish(log, np.arange(len(log.dishes)) % share == 0, NOBODY, 3, 0)


def _accuracy(split: Split, vectors: Floats, unit: Any) -> float:
    fitted = fit_factors(_dishes(vectors), split.train, split.may_know, unit, 64)
    return accuracy(fitted.scores(split.test), split.test)


def test_new_dishes_are_ranked_by_what_the_vectors_say_of_them() -> None:
    log, vectors = _world(1)
    split, draw = _by_dish(log), np.random.default_rng(0)
    assert _accuracy(split, vectors, "dish") > 0.75
    elsewhere = vectors[draw.permutation(len(vectors))]
    assert abs(_accuracy(split, elsewhere, "dish") - 0.5) < 0.1


def test_recurring_dishes_are_ranked_by_opinions_where_vectors_say_nothing() -> None:
    log, vectors = _world(2)
    split = split_within_person(log, seeded_share(log, 0.25, 0), NOBODY, 3, 0)
    nothing = np.random.default_rng(1).normal(size=(len(vectors), 30))
    by_text, by_opinions = _accuracy(split, vectors, "person"), _accuracy(split, nothing, "person")
    assert by_opinions > 0.7
    assert by_text > by_opinions - 0.02


@pytest.mark.parametrize("unit", ["dish", "person"])
def test_random_ratings_are_ordered_right_half_the_time(unit: str) -> None:
    accuracies = []
    for seed in range(8):
        log, vectors = _world(seed, people=60, personal=0.0, noise=100.0)
        held_out = seeded_share(log, 0.25, seed)
        split = _by_dish(log) if unit == "dish" else split_within_person(log, held_out, NOBODY, 3, 0)
        accuracies.append(_accuracy(split, vectors, unit))
    assert abs(np.mean(accuracies) - 0.5) < 4 * np.std(accuracies) / 8**0.5 + 0.01


def _fit(log: Any, vectors: Floats, first: Any = None) -> Factors:
    dishes = Dishes(vectors, np.arange(len(vectors)) if first is None else first)
    opinions = known_opinions(log, np.ones(len(log), bool))
    return text_factors(dishes, opinions, log.menus, np.empty(0, np.int64), 64).with_opinions(16)


def test_a_dish_without_opinions_has_no_residual_and_many_opinions_make_it_surer() -> None:
    log, vectors = _world(3, dishes=20)
    nothing = np.random.default_rng(1).normal(size=vectors.shape)
    unread = np.isin(log.dish, [4, 7])
    few, many = _fit(log.take(np.flatnonzero(~unread & (log.person < 12))), nothing), _fit(log, nothing)
    assert not few.residual[[4, 7]].any()
    assert np.abs(many.residual[:, 0]).sum() > np.abs(few.residual[:, 0]).sum()


def test_twins_are_one_dish() -> None:
    """The same opinions, once on one dish and once on two that read alike, give the same factors."""
    log, vectors = _world(4, dishes=20)
    again = np.concatenate([vectors, vectors[:1]])
    first = np.array([*range(20), 0])
    twins = opinion_log(EventColumns.of([]), [*log.dishes, "d999"], {}, SCALE)
    dish = np.where((log.dish == 0) & (log.person % 2 == 0), 20, log.dish)
    order = np.lexsort([dish, log.at, log.person])
    moved = replace(log, dishes=twins.dishes, dish=dish)
    moved = moved.take(order)
    one, two = _fit(log, vectors), _fit(moved, again, first)
    assert two.by_text[:20] == pytest.approx(one.by_text, abs=1e-8)
    assert two.residual[:20] == pytest.approx(one.residual, abs=1e-6)
    assert two.residual[20] == pytest.approx(two.residual[0])


@pytest.mark.parametrize(
    ("people", "dishes", "width"), [(1, 40, 12), (40, 2, 12), (40, 4, 1), (3, 12, 200)], ids=str
)
def test_other_shapes_give_finite_scores(people: int, dishes: int, width: int) -> None:
    log, vectors = _world(5, people, dishes, width)
    factors = _fit(log, vectors)
    assert np.isfinite(factors.by_text).all()
    assert np.isfinite(factors.residual).all()
    head = factors.head(1.0, torch.ones(2), [(dish,) for dish in range(dishes)], Reading())
    assert len(head.dishes) <= dishes


def test_vectors_that_are_all_alike_say_nothing() -> None:
    log, vectors = _world(6)
    split = split_within_person(log, seeded_share(log, 0.25, 0), NOBODY, 3, 0)
    assert _accuracy(split, np.ones_like(vectors), "person") > 0.7  # by opinions alone
    assert _accuracy(_by_dish(log), np.ones_like(vectors), "dish") == 0.5


def test_no_opinion_at_all_gives_scores_of_nothing() -> None:
    log, vectors = _world(7)
    factors = _fit(log.take(np.empty(0, np.int64)), vectors)
    assert not factors.residual.any()
    assert np.isfinite(factors.by_text).all()


def test_vectors_of_no_width_as_of_dishes_without_tags_leave_opinions_alone() -> None:
    log, vectors = _world(6)
    split = split_within_person(log, seeded_share(log, 0.25, 0), NOBODY, 3, 0)
    assert _accuracy(split, vectors[:, :0], "person") > 0.7
    assert _accuracy(_by_dish(log), vectors[:, :0], "dish") == 0.5


FOLD_LOSSES = st.lists(st.floats(0, 9), min_size=5, max_size=5)


@given(FOLD_LOSSES, st.lists(st.floats(0.1, 0.9), min_size=1, max_size=4))
def test_a_fit_that_is_better_on_all_folds_alike_is_chosen_and_a_worse_one_never(
    first: list[float], gains: list[float]
) -> None:
    losses = np.array(first)
    assert clearly_best([losses, *(losses + gain for gain in gains)]) == 0
    better = [losses, *(losses - gain for gain in gains)]
    assert gains[clearly_best(better) - 1] == pytest.approx(max(gains))


def test_a_difference_within_its_standard_error_keeps_the_first_fit() -> None:
    draw = np.random.default_rng(0)
    chosen = [clearly_best([draw.normal(size=5), draw.normal(size=5)]) for _ in range(2000)]
    assert np.mean(chosen) == pytest.approx(0.187, abs=0.03)  # t of 4 degrees of freedom above 1
    assert clearly_best([np.array([3.0]), np.array([1.0])]) == 0  # one fold has no standard error
    assert clearly_best([np.empty(0), np.empty(0)]) == 0
