"""Probabilities that are true are measured as true, and others by how far they are off."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.calibration import CalibrationBin, calibration, calibration_error, reliability

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def _pairs(count: int, seed: int) -> tuple[Comparisons, np.ndarray]:
    """Comparisons of two dishes whose true log odds of the first are drawn, and these log odds."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(0, 1.5, count)
    first = draw.random(count) < expit(odds)
    comparisons = [
        Comparison(
            f"p{number % 50}", (), ("a", "b"), key=str(number), at=NOW, chosen="a" if wins else "b",
        )
        for number, wins in enumerate(first)
    ]  # fmt: skip
    return comparison_table(comparisons), odds


def _scores(odds: np.ndarray) -> np.ndarray:
    return np.stack([odds, np.zeros(len(odds))], axis=1).ravel()


@pytest.mark.parametrize(("factor", "low", "high"), [(1.0, 0.0, 0.03), (4.0, 0.1, 0.3), (0.1, 0.1, 0.3)])
def test_true_log_odds_are_calibrated_and_bolder_or_shyer_ones_are_not(
    factor: float, low: float, high: float
) -> None:
    table, odds = _pairs(5000, seed=3)
    assert low <= calibration_error(calibration(_scores(factor * odds), table)) < high


def test_bins_are_those_of_scikit_learn() -> None:
    table, odds = _pairs(2000, seed=4)
    right = np.where(odds > 0, table.chosen == 0, table.chosen == 1)
    observed, stated = calibration_curve(right, expit(np.abs(odds)), n_bins=10, strategy="quantile")
    bins = calibration(_scores(odds), table)
    assert [part.stated for part in bins] == pytest.approx(stated.tolist(), abs=1e-9)
    assert [part.observed for part in bins] == pytest.approx(observed.tolist(), abs=1e-9)


def test_a_model_that_knows_nothing_states_one_half_and_is_right_in_half() -> None:
    table, odds = _pairs(100, seed=5)
    (*_, last) = calibration(_scores(0 * odds), table)
    assert (last.stated, last.observed) == (0.5, 0.5)


def test_what_was_not_scored_is_left_out() -> None:
    table, odds = _pairs(30, seed=6)
    scores = _scores(odds)
    scores[20:] = np.nan
    assert sum(part.pairs for part in calibration(scores, table)) == 10
    assert calibration(np.full(60, np.nan), table) == ()
    assert calibration_error(()) == 0.0


@given(st.lists(st.tuples(st.floats(0.5, 1), st.floats(0, 1), st.integers(1, 100)), max_size=12))
def test_the_curve_of_reliability_is_scikit_learns_and_never_falls(
    parts: list[tuple[float, float, int]],
) -> None:
    bins = [CalibrationBin(*part) for part in sorted(parts)]
    curve = reliability(bins)
    if not bins:
        assert curve == []
        return
    order, weights = range(len(bins)), [part.pairs for part in bins]
    oracle = IsotonicRegression().fit(order, [part.observed for part in bins], weights).predict(order)
    assert [share for _, share in curve[1:]] == pytest.approx(np.maximum(oracle, 0.5).tolist(), abs=1e-9)
    assert curve[0] == (0.5, 0.5)
    assert sorted(curve) == curve


@pytest.mark.parametrize("factor", [1.0, 4.0, 0.1])
def test_the_curve_corrects_who_is_too_bold_or_too_shy(factor: float) -> None:
    table, odds = _pairs(5000, seed=6)
    stated, right = zip(*reliability(calibration(_scores(factor * odds), table)), strict=True)
    others, new = _pairs(5000, seed=7)
    share = np.interp(expit(np.abs(factor * new)), stated, right)
    corrected = np.log(share / (1 - share)) * np.sign(new)
    assert calibration_error(calibration(_scores(corrected), others)) < 0.03
