"""The chosen questions against the posterior of Gaussian weights, and over trying every next question."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.arrays import Floats
from components.domain.ranker.left_out_pairs import PersonOpinions
from components.domain.ranker.next_questions import most_telling


def _person(factors: Floats, noise: float = 0.5) -> PersonOpinions:
    return PersonOpinions(factors, np.ones(len(factors)), np.zeros(len(factors), bool), noise, (1.0, 0.7))


def _variance(person: PersonOpinions, asked: Floats, others: Floats) -> float:
    """The sum of the dishes' variances, once the person has judged what was asked, by plain inversion."""
    seen = np.concatenate([person.factors, asked])
    precision = np.eye(seen.shape[1]) + 0.7 / person.noise * seen.T @ seen
    return float(np.einsum("cs,st,ct->", others, np.linalg.inv(precision), others))


@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(1, 7))
def test_each_question_leaves_the_least_variance(seed: int, judged: int, dishes: int) -> None:
    draw = np.random.default_rng(seed)
    person, others = _person(draw.normal(size=(judged, 3))), draw.normal(size=(dishes, 3))
    chosen = most_telling(person, others, 3).tolist()
    assert len(set(chosen)) == len(chosen) == min(3, dishes)
    for step, dish in enumerate(chosen):
        before = chosen[:step]
        left = {
            each: _variance(person, others[[*before, each]], others)
            for each in range(dishes)
            if each not in before
        }
        assert left[dish] <= min(left.values()) + 1e-9


def test_twins_of_what_was_judged_come_last_and_verdicts_change_nothing() -> None:
    others = np.eye(3)
    person = _person(others[:1])
    assert most_telling(person, others, 3).tolist()[2] == 0
    disliked = PersonOpinions(person.factors, -person.liked, person.is_rated, person.noise, person.unrated)
    assert most_telling(disliked, others, 3).tolist() == most_telling(person, others, 3).tolist()


def test_no_dish_and_nobody_known() -> None:
    assert most_telling(_person(np.empty((0, 3))), np.empty((0, 3)), 5).tolist() == []
    assert most_telling(_person(np.empty((0, 3))), np.diag([1.0, 3.0, 2.0]), 2).tolist() == [1, 2]
