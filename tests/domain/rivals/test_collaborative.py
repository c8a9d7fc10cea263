"""Rules on recurring dishes find shared tastes; stacked, they are no worse than the best of them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from components.domain.preferences.strengths import known_opinions, rating_spread, strengths
from components.domain.records import Comparison, Dish, Past
from components.domain.rivals import baselines
from components.domain.rivals.collaborative import fit_collaborative
from components.domain.rivals.retrieval import Bm25, cosine, with_most_similar_history
from components.domain.rivals.stacked_rules import RULES, fit_stacked_rules
from components.domain.verdict.metrics import per_person

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DISHES = {f"d{n}": Dish(f"d{n}", f"dish {'abcdefgh'[n]}") for n in range(8)}


def _people(count: int, seed: int) -> list[Comparison]:
    """Everyone likes either the even or the odd dishes; what is asked about is not in the history."""
    random = np.random.default_rng(seed)
    made = []
    for person in range(count):
        odd = person % 2
        order = random.permutation(8)
        ratings = {f"d{n}": float((4 if n % 2 == odd else 1) + random.integers(2)) for n in order}
        known = tuple(Past(dish, 0, rating) for dish, rating in list(ratings.items())[2:])
        one, other = sorted(list(ratings)[:2], key=lambda dish: -ratings[dish])
        if ratings[one] > ratings[other]:
            name = f"p{seed}-{person}"
            made.append(Comparison(name, name, NOW, known, (other, one), one))
    return made


def _accuracy(scores: dict[str, np.ndarray], cases: list[Comparison]) -> float:
    return float(np.mean([row[0] for row in per_person(scores, cases).values()]))


def test_neighbours_and_factors_find_tastes_that_popularity_cannot() -> None:
    train, test = _people(200, 0), _people(100, 1)
    rules = fit_collaborative(known_opinions(train)).scores(test)
    assert _accuracy(rules["item-knn"], test) > 0.8
    assert _accuracy(rules["matrix-factorisation"], test) > 0.8
    assert _accuracy(baselines.popularity(train, test), test) < 0.7
    stacked = fit_stacked_rules(DISHES, train, lambda each: each.person_id)
    assert _accuracy(stacked.scores(DISHES, test), test) > 0.8
    assert len(stacked.weights) == len(RULES)


def test_dishes_that_training_never_saw_have_no_such_rule() -> None:
    new = Comparison("x", "x", NOW, (), ("n1", "n2"), "n1")
    tables = fit_collaborative(known_opinions(_people(20, 0)))
    assert tables.scores([new]) == {}
    mixed = Comparison("y", "y", NOW, (), ("n1", "d2"), "n1")
    assert tables.scores([mixed])["item-knn"]["y"][0] == 0.0


def test_strengths_are_verdicts_or_ratings_from_the_persons_own_mean() -> None:
    history = [Past("a", 1), Past("b", 0, 9.0), Past("c", 0, 5.0)]
    assert strengths(history, 2.0) == pytest.approx([1, 1, -1])
    assert rating_spread({"x": history, "y": [Past("a", 1)]}) == pytest.approx(2.0)
    assert rating_spread({"y": [Past("a", 1)]}) == 1.0


def test_a_person_without_history_gets_the_mean() -> None:
    tables = fit_collaborative(known_opinions(_people(50, 0)))
    assert np.array_equal(tables.neighbours(()), tables.mean)
    assert np.array_equal(tables.factors(()), tables.mean)


def test_a_dish_known_from_before_is_told_from_its_rivals() -> None:
    train = []
    for n in range(60):
        dish, other = f"d{n % 8}", f"d{(n + 3) % 8}"
        train.append(Comparison(f"c{n}", f"p{n}", NOW, (Past(dish, 1),), (dish, other), dish))
    rule = fit_stacked_rules(DISHES, train, lambda each: each.person_id)
    assert _accuracy(rule.scores(DISHES, train), train) == 1.0


def test_retrieval_keeps_what_is_most_like_the_offer_in_its_order() -> None:
    dishes = {
        "a": Dish("a", "beef roulade"), "b": Dish("b", "pea stew"), "c": Dish("c", "beef stew"),
        "d": Dish("d", "apple strudel"), "o": Dish("o", "beef goulash"), "p": Dish("p", "pea soup"),
    }  # fmt: skip
    case = Comparison("x", "x", NOW, tuple(Past(dish, 1) for dish in "dabc"), ("o", "p"), "o")
    index = Bm25(dishes)
    (found,) = with_most_similar_history([case], index.score, 3)
    assert [past.dish_id for past in found.history] == ["a", "b", "c"]
    assert index.score("o", "a") > index.score("o", "d") == 0.0


def test_retrieval_by_vectors_keeps_the_nearest_whatever_all_dishes_share() -> None:
    shared = np.array([100.0, 0.0, 0.0])
    own = {
        "a": [0, 1, 0],
        "b": [0, 0, 1],
        "c": [0, 0.9, 0.1],
        "d": [0, -1, 0],
        "e": [0, 0, -1],
        "o": [0, 1, 0.1],
    }
    alike = cosine({name: shared + np.array(vector, float) for name, vector in own.items()})
    case = Comparison("x", "x", NOW, tuple(Past(dish, 1) for dish in "dcab"), ("o", "e"), "o")
    (found,) = with_most_similar_history([case], alike, 2)
    assert [past.dish_id for past in found.history] == ["c", "a"]
    assert alike("o", "d") < 0 < alike("o", "a")
