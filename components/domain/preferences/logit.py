"""The conditional logit: which dish of each comparison is preferred, by linear utilities (McFadden 1974)."""

from __future__ import annotations

import numpy as np

from components.domain.preferences.arrays import Floats, Ints

RIDGE = 1.0
_NEWTON_STEPS = 25


def fit_logit(features: Floats, sizes: Ints, chosen: Ints, ridge: float = RIDGE) -> Floats:
    """Finds the weights w that maximise sum(log softmax(X w)[chosen]) - ridge * |w|^2, by Newton's method.

    Args:
        features: (O, features) X, the features of all dishes on offer, one comparison after the other.
        sizes: (Q,) number of dishes of each comparison.
        chosen: (Q,) position of the preferred dish within its comparison.
        ridge: Penalty of large weights.

    Returns:
        (features,) the weights.
    """
    first = np.cumsum(sizes) - sizes
    preferred = first + chosen
    weights = np.zeros(features.shape[1])
    for _ in range(_NEWTON_STEPS):
        utility = features @ weights
        exponent = np.exp(utility - np.repeat(np.maximum.reduceat(utility, first), sizes))
        share = exponent / np.repeat(np.add.reduceat(exponent, first), sizes)
        expected = np.add.reduceat(share[:, None] * features, first)
        gradient = features[preferred].sum(axis=0) - expected.sum(axis=0) - 2 * ridge * weights
        curvature = (
            (features * share[:, None]).T @ features
            - expected.T @ expected
            + 2 * ridge * np.eye(len(weights))
        )
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max(initial=0.0) < 1e-8:  # without any trait there is nothing to fit
            break
    return np.asarray(weights)
