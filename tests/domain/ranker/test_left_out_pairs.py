"""Pairs of a person's opinions are left out in closed form, as if the person were fitted without them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.arrays import Floats
from components.domain.ranker.left_out_pairs import (
    MOST_OPINIONS,
    PersonOpinions,
    latest_opinions,
    pairs_of,
    permuted,
    shares_right,
)

UNRATED = (0.6, 0.3)


def _opinions(seed: int, count: int, size: int, noise: float) -> PersonOpinions:
    """Ratings from 1 to 4, and likes and dislikes, of dishes with random factors."""
    draw = np.random.default_rng(seed)
    is_rated = draw.random(count) < 0.6
    liked = np.where(is_rated, draw.integers(1, 5, count) - 2.5, draw.choice([-1.0, 1.0], count))
    return PersonOpinions(draw.normal(size=(count, size)), liked, is_rated, noise, UNRATED)


def _fitted_again(opinions: PersonOpinions) -> float:
    """The share of pairs that come out right, each by a person who is fitted to the other opinions."""
    right, pairs, count = 0.0, 0, len(opinions.liked)
    factors, evidence = opinions.factors, opinions.slope * opinions.liked
    for better in range(count):
        for worse in range(count):
            same = opinions.is_rated[better] == opinions.is_rated[worse]
            if not same or opinions.liked[better] <= opinions.liked[worse]:
                continue
            rest = np.setdiff1d(np.arange(count), [better, worse])
            lines, information = factors[rest], opinions.information[rest]
            precision = opinions.noise * np.eye(factors.shape[1]) + (lines.T * information) @ lines
            person = np.linalg.solve(precision, lines.T @ evidence[rest])
            gap = float((factors[better] - factors[worse]) @ person)
            right += 0.5 if abs(gap) < 1e-12 else float(gap > 0)
            pairs += 1
    return right / pairs if pairs else 0.5


@given(st.integers(0, 2**32), st.integers(2, 14), st.integers(1, 20), st.sampled_from([0.1, 1.0, 10.0]))
def test_it_is_as_if_the_person_were_fitted_without_the_pair(
    seed: int, count: int, size: int, noise: float
) -> None:
    opinions = _opinions(seed, count, size, noise)
    assert shares_right(opinions, opinions.liked[None])[0] == pytest.approx(_fitted_again(opinions))


def test_rows_of_opinions_count_like_each_alone() -> None:
    opinions = _opinions(3, 20, 5, 1.0)
    rows = permuted(np.tile(opinions.liked, (6, 1)), opinions.is_rated, np.random.default_rng(1))
    alone = [
        _fitted_again(PersonOpinions(opinions.factors, row, opinions.is_rated, opinions.noise, UNRATED))
        for row in rows
    ]
    assert shares_right(opinions, rows).tolist() == pytest.approx(alone)


def test_opinions_are_permuted_within_their_kind() -> None:
    opinions = _opinions(4, 30, 2, 1.0)
    rows = permuted(np.tile(opinions.liked, (50, 1)), opinions.is_rated, np.random.default_rng(1))
    assert len(np.unique(rows, axis=0)) > 40
    for kind in (True, False):
        some = opinions.is_rated == kind
        assert (np.sort(rows[:, some]) == np.sort(opinions.liked[some])).all()


def _kept(dishes: list[int], liked: list[float]) -> Floats:
    factors = np.array([[dish, 1.0] for dish in dishes]).reshape(-1, 2)
    rated = np.ones(len(dishes), bool)
    return latest_opinions(factors, np.array(liked), rated, 1.0, UNRATED).liked


def test_of_a_dish_and_its_twins_the_latest_opinion_counts() -> None:
    assert _kept([1, 2, 1, 3, 2], [1, 2, 3, 4, 5]).tolist() == [3, 4, 5]
    assert _kept([], []).tolist() == []
    many = list(range(MOST_OPINIONS + 3))
    assert _kept(many, list(map(float, many))).tolist() == many[3:]


def test_only_opinions_of_a_kind_that_differ_are_a_pair() -> None:
    liked = np.array([1.0, 1.0, 2.0, 3.0])
    assert pairs_of(liked, np.array([True, True, True, False])) == 2
    assert pairs_of(liked[:2], np.array([True, True])) == 0
    assert pairs_of(liked[:0], np.array([], bool)) == 0
    assert pairs_of(liked[2:], np.array([True, False])) == 0


def test_dishes_that_the_model_cannot_tell_apart_are_ties() -> None:
    opinions = _opinions(5, 12, 1, 1.0)
    alike = PersonOpinions(np.ones((12, 1)), opinions.liked, opinions.is_rated, 1.0, UNRATED)
    nothing = PersonOpinions(np.zeros((12, 1)), opinions.liked, opinions.is_rated, 1.0, UNRATED)
    assert shares_right(nothing, nothing.liked[None]).tolist() == [0.5]
    assert shares_right(alike, alike.liked[None]).tolist() == [0.5]
