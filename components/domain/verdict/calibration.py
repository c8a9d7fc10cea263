"""Calibration: whether the difference of two scores says how sure the model may be of their order.

Scores are in nats. A dish that scores d above another is thus preferred with a stated probability of
1 / (1 + exp(-d)). A calibrated model orders this share of the pairs with about that probability rightly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons

BINS = 10


@dataclass(frozen=True)
class CalibrationBin:
    """Pairs of dishes whose order a model is about equally sure of.

    Attributes:
        stated: Mean over the pairs of the probability that the model gives to its own order.
        observed: Share of the pairs in which the dish that the model put first was preferred.
        pairs: Number of pairs.
    """

    stated: float
    observed: float
    pairs: int


def calibration(scores: Floats, comparisons: Comparisons, bins: int = BINS) -> tuple[CalibrationBin, ...]:
    """Groups the pairs of a chosen dish and an alternative into bins of equal size, the least sure first.

    Args:
        scores: (O,) scores in nats of the dishes on offer; NaN throughout a comparison that was not scored.
        bins: Number of bins, fewer where there are fewer pairs.
    """
    alternative = np.ones(len(scores), bool)
    alternative[comparisons.chosen_at] = False
    gap = (scores[comparisons.chosen_at][comparisons.owner] - scores)[alternative]
    gap = gap[~np.isnan(gap)]
    gap = gap[np.argsort(np.abs(gap), kind="stable")]
    right = (gap > 0) + 0.5 * (gap == 0)
    parts = np.array_split(np.arange(len(gap)), min(bins, len(gap)) or 1)
    return tuple(
        CalibrationBin(float(expit(np.abs(gap[part])).mean()), float(right[part].mean()), len(part))
        for part in parts
        if len(part)
    )


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Averages over pairs the distance between the stated probability and the observed share of their bin."""
    pairs = sum(part.pairs for part in bins)
    return sum(abs(part.stated - part.observed) * part.pairs for part in bins) / pairs if pairs else 0.0


def reliability(bins: Sequence[CalibrationBin]) -> list[tuple[float, float]]:
    """Fits the curve from the stated probability to the share of pairs that were ordered rightly.

    Isotonic regression keeps the curve from falling. It starts at (0.5, 0.5), a coin's throw, whatever was
    observed for pairs with equal scores.

    Args:
        bins: The bins, the least sure one first.

    Returns:
        Points (stated, observed), both coordinates ascending; an empty list without bins.
    """
    from scipy.optimize import isotonic_regression  # whose import takes each command most of a second

    if not bins:
        return []
    shares = isotonic_regression(
        [part.observed for part in bins], weights=[part.pairs for part in bins]
    ).x.clip(0.5)
    return [(0.5, 0.5), *zip((part.stated for part in bins), shares.tolist(), strict=True)]
