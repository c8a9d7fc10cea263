"""Scores spread as when they were registered seldom warn, shifted ones do, and few tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import question_table
from components.domain.preferences.tables import Questions
from components.domain.records import Question
from components.domain.verdict.score_shift import (
    ScoreReference,
    ServedScores,
    Spread,
    reference_of,
    score_shifts,
)

BOUND, LEAST = 0.2, 200  # as in params.yaml
NUMBERS = arrays(float, st.integers(1, 60), elements=st.floats(-50, 50, width=32))


def _reference(rng: np.random.Generator, count: int = 2000) -> ScoreReference:
    best, margin = rng.normal(size=count), rng.exponential(size=count)
    return ScoreReference(Spread.of(best), Spread.of(margin), 2, 8)


def _served(
    rng: np.random.Generator, count: int, ranked: int = 6, shift: float = 0, wider: float = 1
) -> list[ServedScores]:
    return [ServedScores("3", ranked, rng.normal() + shift, rng.exponential() * wider) for _ in range(count)]


def _largest(served: Sequence[ServedScores], reference: ScoreReference) -> float:
    (shift,) = score_shifts(served, {"3": reference}, [], LEAST)
    assert shift.answers == len(served)
    return shift.largest


@settings(max_examples=30)
@given(NUMBERS, NUMBERS)
def test_the_index_is_the_sum_of_both_relative_entropies(here: Floats, there: Floats) -> None:
    spread = Spread.of(here)
    other = Spread.of(there, spread.edges)
    assert sum(other.shares) == pytest.approx(1)
    assert len(spread.shares) == len(spread.edges) + 1
    oracle = stats.entropy(spread.shares, other.shares) + stats.entropy(other.shares, spread.shares)
    assert spread.shift_of(there) == pytest.approx(oracle, abs=1e-9)
    assert spread.shift_of(here) == pytest.approx(0, abs=1e-9)


def test_by_chance_the_index_is_spread_as_the_literature_says() -> None:
    rng, count, other = np.random.default_rng(1), 2000, 1000
    indices = [Spread.of(rng.normal(size=count)).shift_of(rng.normal(size=other)) for _ in range(200)]
    scaled = np.array(indices) / (1 / count + 1 / other)
    assert stats.kstest(scaled, stats.chi2(9).cdf).pvalue > 0.01


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_chance_seldom_warns_with_as_few_answers_as_tell_anything(seed: int) -> None:
    rng = np.random.default_rng(seed)  # one in 20,000 by the chi-squared of both
    assert _largest(_served(rng, LEAST), _reference(rng)) < 1.5 * BOUND


def test_chance_warns_in_fewer_than_one_night_of_a_hundred() -> None:
    rng = np.random.default_rng(2)
    reference = _reference(rng)
    warned = [_largest(_served(rng, LEAST), reference) >= BOUND for _ in range(150)]
    assert np.mean(warned) < 0.01


@pytest.mark.parametrize(("shift", "wider"), [(1, 1), (-1, 1), (0, 3), (0, 0.2)])
def test_other_scores_or_margins_warn(shift: float, wider: float) -> None:
    rng = np.random.default_rng(3)
    assert _largest(_served(rng, LEAST, shift=shift, wider=wider), _reference(rng)) > BOUND


def test_a_model_that_gives_everything_one_score_warns() -> None:
    rng = np.random.default_rng(4)
    same = [ServedScores("3", 6, 0.5, 0.0)] * LEAST
    assert _largest(same, _reference(rng)) > BOUND


def test_constant_scores_stay_themselves_however_they_are_rounded() -> None:
    constant = reference_of(np.full(400, 0.1), _questions([4] * 100))
    assert constant is not None
    assert _largest([ServedScores("3", 4, 0.1 - 1e-6, 1e-7)] * LEAST, constant) < 0.02
    assert _largest([ServedScores("3", 4, 0.3, 0.0)] * LEAST, constant) > BOUND


@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_few_answers_tell_nothing(count: int) -> None:
    rng = np.random.default_rng(5)
    served = _served(rng, count, shift=9.0)
    assert score_shifts(served, {"3": _reference(rng)}, _served(rng, 500), LEAST) == []


def test_without_a_second_dish_margins_tell_nothing() -> None:
    rng = np.random.default_rng(6)
    single = [replace(each, margin=None) for each in _served(rng, LEAST)]
    (shift,) = score_shifts(single, {"3": _reference(rng)}, [], LEAST)
    assert shift.margin is None
    assert shift.largest == shift.best


def test_the_best_of_many_more_dishes_is_compared_with_earlier_answers() -> None:
    rng = np.random.default_rng(7)
    references = {"3": _reference(rng)}
    served = _served(rng, LEAST, ranked=900, shift=5.0)
    assert score_shifts(served, references, [], LEAST) == []
    assert score_shifts(served, references, _served(rng, LEAST - 1, ranked=900), LEAST) == []
    (same,) = score_shifts(served, references, _served(rng, 2000, ranked=900, shift=5.0), LEAST)
    (other,) = score_shifts(served, references, _served(rng, 2000, ranked=900), LEAST)
    assert same.against == other.against == "its earlier answers"
    assert same.largest < BOUND < other.largest


def test_versions_are_compared_each_with_its_own() -> None:
    rng = np.random.default_rng(8)
    new = [replace(each, model_version="4") for each in _served(rng, LEAST, shift=1.0)]
    shifts = score_shifts([*_served(rng, LEAST), *new], dict.fromkeys(("3", "4"), _reference(rng)), [], LEAST)
    assert [(each.model_version, each.largest > BOUND) for each in shifts] == [("3", False), ("4", True)]


def _questions(sizes: Sequence[int]) -> Questions:
    return question_table([Question("ada", (), tuple(f"d{dish}" for dish in range(size))) for size in sizes])


def test_a_reference_has_best_scores_and_margins_of_what_was_scored() -> None:
    scores = np.array([1.0, 3.0, 2.5, 9.0, np.nan, np.nan, 5.0, 4.0])
    reference = reference_of(scores, _questions([3, 1, 2, 2]))
    assert reference is not None
    assert (reference.least_ranked, reference.most_ranked) == (2, 3)
    assert reference.best == Spread.of(np.array([3.0, 5.0]))
    assert reference.margin == Spread.of(np.array([0.5, 1.0]))
    assert ScoreReference.from_text(reference.to_text()) == reference
    assert reference_of(np.full(2, np.nan), _questions([2])) is None
    assert reference_of(np.zeros(2), _questions([1, 1])) is None
