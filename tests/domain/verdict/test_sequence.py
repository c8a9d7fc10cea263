"""Bounds that hold on every night: those of a library, seldom crossed by luck, and crossed by a true gain."""

from __future__ import annotations

import math

import numpy as np
import pytest
import ville
from hypothesis import given
from hypothesis import strategies as st
from online_fdr.core.abstract.abstract_spend_func import AbstractSpendFunc
from online_fdr.p_values.spending.alpha_spending import AlphaSpending
from scipy.stats import norm as normal
from scipy.stats import t as student

from components.domain.verdict.sequence import NARROWEST_AT, DailyDifferences, confidence_of_look

DAYS, SPREAD = 365, 0.05  # the canteen's days differ by about as much


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=60).filter(lambda values: np.std(values) > 1e-6),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_bounds_are_those_of_the_library(values: list[float], confidence: float) -> None:
    library = ville.AsymptoticCS(alpha=1 - confidence, t_opt=NARROWEST_AT, min_samples=2).fit(
        np.array(values)
    )
    ours, tail = DailyDifferences(tuple(values), 40), (1 + confidence) / 2
    wider = student.ppf(tail, len(values) - 1) / normal.ppf(tail)  # the library takes the spread as certain
    lags = np.correlate(values - np.mean(values), values - np.mean(values), "full")[len(values) - 1 :]
    wider *= np.sqrt(2 / (1 - np.clip(lags[1] / lags[0], 0, 0.9)) - 1)  # and days as independent
    assert ours.mean - ours.margin(confidence) / wider == pytest.approx(library.lower_[-1], abs=1e-4)
    assert ours.mean + ours.margin(confidence) / wider == pytest.approx(library.upper_[-1], abs=1e-4)


def _first_pass(values: np.ndarray) -> int | None:
    """Day on which the lower bound is first above zero, from the tenth on."""
    for days in range(10, len(values) + 1):
        if DailyDifferences(tuple(values[:days]), 40).interval(0.95).low > 0:
            return days
    return None


def test_without_a_gain_a_year_of_nights_seldom_passes() -> None:
    draw = np.random.default_rng(11)
    passes = [_first_pass(draw.normal(0, SPREAD, DAYS)) for _ in range(60)]
    assert sum(day is not None for day in passes) <= 4  # 2.5 % of 60 is 1.5


def test_a_gain_of_three_hundredths_passes_within_ninety_nights() -> None:
    draw = np.random.default_rng(12)
    passes = [_first_pass(draw.normal(0.03, SPREAD, 90)) for _ in range(60)]
    assert sum(day is not None for day in passes) >= 0.8 * 60


@pytest.mark.parametrize("values", [(), (0.3,)])
def test_one_day_says_nothing(values: tuple[float, ...]) -> None:
    assert DailyDifferences(values, 40).margin(0.95) == math.inf
    assert DailyDifferences(values, 40).interval(0.95).bounds("+.4f") == "unknown"


class _Squares(AbstractSpendFunc):
    def __init__(self) -> None:
        super().__init__(None)

    def spend(self, index: int, alpha: float) -> float:
        return 1 - confidence_of_look(1 - alpha, index + 1)


def test_looks_spend_no_more_than_the_whole_error_and_the_library_decides_alike() -> None:
    assert sum(1 - confidence_of_look(0.95, look) for look in range(1, 100_000)) == pytest.approx(
        0.05, abs=1e-5
    )
    spending = AlphaSpending(0.05, _Squares())
    p_values = [0.0303, 0.0077, 0.0033, 0.002]
    ours = [p_value <= 1 - confidence_of_look(0.95, look) for look, p_value in enumerate(p_values, 1)]
    assert [spending.test_one(p_value) for p_value in p_values] == ours == [True, False, True, False]
