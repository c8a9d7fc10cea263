"""Calibration: whether a score's differences say how sure the model may be.

Scores are in nats, so a model that puts a dish d above another says that it is preferred with probability
1 / (1 + exp(-d)). Of all pairs with about the same probability, that share should be ordered rightly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons

BINS = 10


@dataclass(frozen=True)
class CalibrationBin:
    """Pairs of dishes about whose order a model is about equally sure.

    Attributes:
        stated: Mean probability, by the model, that the dish which it puts first is preferred.
        observed: Share of the pairs in which it was.
        pairs: Number of pairs.
    """

    stated: float
    observed: float
    pairs: int


def calibration(scores: Floats, comparisons: Comparisons, bins: int = BINS) -> tuple[CalibrationBin, ...]:
    """Bins of equally many pairs of the chosen dish and an alternative, the least sure ones first.

    Args:
        scores: (O,) in nats; NaN throughout a comparison that was not scored.
        comparisons: The comparisons.
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
    """Mean over pairs of the distance between the stated probability and the observed share."""
    pairs = sum(part.pairs for part in bins)
    return sum(abs(part.stated - part.observed) * part.pairs for part in bins) / pairs if pairs else 0.0


def reliability(bins: Sequence[CalibrationBin]) -> list[tuple[float, float]]:
    """Points of the curve from a stated probability to the share that was right; neither falls.

    By isotonic regression; the first point is a coin's, whatever was observed of pairs that score alike.

    Args:
        bins: The least sure ones first.
    """
    if not bins:
        return []
    shares = isotonic_regression(
        [part.observed for part in bins], weights=[part.pairs for part in bins]
    ).x.clip(0.5)
    return [(0.5, 0.5), *zip((part.stated for part in bins), shares.tolist(), strict=True)]
