"""Principal factors: what they explain, and that the way for many dishes is that for few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from components.domain.preferences.moments import MAX_EXACT, principal_factors


def _covariance(size: int, factors: int, noise: float, seed: int) -> np.ndarray:
    """Of `factors` true ones, with errors off the diagonal and any values on it."""
    draw = np.random.default_rng(seed)
    loadings = draw.normal(size=(size, factors)) * np.linspace(1, 0.3, factors)
    errors = draw.normal(scale=noise, size=(size, size))
    return np.asarray(loadings @ loadings.T + (errors + errors.T) / 2 + np.diag(draw.uniform(0, 9, size)))


def _by_exact_sweeps(covariance: np.ndarray, count: int) -> np.ndarray:
    shared, last = covariance.copy(), len(covariance) - 1
    loadings = np.zeros((len(shared), count))
    for _ in range(12):
        values, axes = eigh(shared, subset_by_index=[last - count + 1, last])
        loadings = axes * np.sqrt(np.maximum(values, 0.0))
        np.fill_diagonal(shared, (loadings**2).sum(1))
    return loadings


@pytest.mark.parametrize("noise", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("count", [1, 4])
def test_many_dishes_get_the_loadings_of_exact_sweeps(count: int, noise: float) -> None:
    covariance = _covariance(MAX_EXACT + 1, 4, noise, seed=count)
    exact, result = _by_exact_sweeps(covariance, count), principal_factors(covariance, count)
    error = np.linalg.norm(result @ result.T - exact @ exact.T) / np.linalg.norm(exact @ exact.T)
    assert error < 2e-3


@pytest.mark.parametrize("size", [1, 2, 5, MAX_EXACT + 1])
def test_more_factors_than_there_are_give_what_there_is(size: int) -> None:
    covariance = _covariance(size, 1, 0.0, seed=0)
    loadings = principal_factors(covariance, min(size, 3))
    assert loadings.shape == (size, min(size, 3))
    assert np.isfinite(loadings).all()


def test_no_factors_are_none() -> None:
    assert principal_factors(np.eye(3), 0).shape == (3, 0)


def test_what_one_person_says_is_one_factor_whatever_the_number_of_dishes() -> None:
    for size in range(2, 60):
        says = np.random.default_rng(size % 3).choice([-1.0, 1.0], size)
        loadings = principal_factors(np.outer(says, says) / 6, min(size, 8))
        assert loadings @ loadings.T == pytest.approx(np.outer(says, says) / 6)
