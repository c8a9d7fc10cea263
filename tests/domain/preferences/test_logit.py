"""The logit's weights are the best there are, however far apart utilities lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.logit import fit_logit


def _drawn(seed: int, scale: float) -> tuple[Floats, Ints, Ints]:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(2, 6, 40)
    chosen = (draw.random(40) * sizes).astype(np.int64)
    return draw.normal(size=(sizes.sum(), 3)) * scale, sizes, chosen


def _objective(weights: Floats, features: Floats, sizes: Ints, chosen: Ints, ridge: float) -> float:
    utilities = np.split(features @ weights, np.cumsum(sizes)[:-1])
    fit = sum(
        utility[at] - utility.max() - np.log(np.exp(utility - utility.max()).sum())
        for utility, at in zip(utilities, chosen, strict=True)
    )
    return float(ridge * weights @ weights - fit)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([0.01, 1.0, 30.0]), st.sampled_from([0.1, 1.0]))
def test_the_weights_are_those_that_a_general_optimizer_finds(seed: int, scale: float, ridge: float) -> None:
    data = _drawn(seed, scale)
    found_by = minimize(_objective, np.zeros(3), (*data, ridge), method="BFGS")
    assert _objective(fit_logit(*data, ridge), *data, ridge) <= found_by.fun + 1e-6 * abs(found_by.fun)


def test_a_feature_that_orders_everything_has_a_finite_weight() -> None:
    sizes, chosen = np.full(50, 2), np.zeros(50, np.int64)
    features = np.tile([[1000.0], [0.0]], (50, 1))
    weights = fit_logit(features, sizes, chosen, 0.1)
    assert np.isfinite(weights).all()
    assert weights[0] > 0


@pytest.mark.parametrize("count", [0, 1])
def test_features_that_say_nothing_weigh_nothing(count: int) -> None:
    _, sizes, chosen = _drawn(0, 1.0)
    assert not fit_logit(np.zeros((sizes.sum(), count)), sizes, chosen).any()
