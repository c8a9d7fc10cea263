"""Ranking metrics, computed for comparisons and averaged for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons

People = Mapping[str, Floats]  # (METRICS,) by person

METRICS = ("pair_accuracy", "top1", "ndcg")


UNKNOWN = {(0.0, 1.0), (-1.0, 1.0)}  # bounds that say nothing of an accuracy, or of a difference of two


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def around(cls, mean: float, margin: float, lowest: float) -> Interval:
        """Builds the interval around a mean, clipped to the possible values.

        Args:
            mean: Middle of the interval.
            margin: Half the width of the interval; may be infinite.
            lowest: Least possible value: 0 for an accuracy, -1 for a difference of two. The largest is 1.
        """
        return cls(mean, max(lowest, mean - margin), min(1.0, mean + margin))

    def bounds(self, form: str = ".3f") -> str:
        """Writes both bounds in a number format, or `unknown` where they span the whole possible range."""
        if (self.low, self.high) in UNKNOWN:
            return "unknown"
        return f"{self.low:{form}} to {self.high:{form}}"


def comparison_metrics(scores: Floats, comparisons: Comparisons) -> Floats:
    """Computes the METRICS of each comparison, in expectation over random breaking of ties.

    Args:
        scores: (O,) scores of the dishes on offer, higher is better; NaN throughout a comparison that was not
            scored.
        comparisons: The comparisons, each with at least two dishes.

    Returns:
        (Q, METRICS); NaN for comparisons that were not scored.
    """
    first, owner = comparisons.firsts, comparisons.owner
    chosen = scores[comparisons.chosen_at]
    higher = np.add.reduceat((scores > chosen[owner]).astype(np.int64), first)
    tied = np.add.reduceat((scores == chosen[owner]).astype(np.int64), first) - 1
    alternatives = comparisons.sizes - 1
    pair = (alternatives - higher - tied / 2) / alternatives
    top = np.where(higher > 0, 0.0, 1 / (np.maximum(tied, 0) + 1))
    gains = 1 / np.log2(1 + np.arange(1, comparisons.sizes.max() + 1))  # of each rank
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    last = higher + np.maximum(tied, 0)
    ndcg = np.where(tied > 0, (sums[last + 1] - sums[higher]) / (np.maximum(tied, 0) + 1), gains[higher])
    measured = np.stack([pair, top, ndcg], axis=1)
    measured[np.isnan(chosen)] = np.nan
    return measured


def per_person(measured: Floats, comparisons: Comparisons) -> People:
    """Averages the metrics of each person's scored comparisons.

    Args:
        measured: (Q, METRICS) see `comparison_metrics`.

    Returns:
        (METRICS,) means by person.
    """
    scored = ~np.isnan(measured[:, 0])
    person = comparisons.person[scored]
    counts = np.bincount(person)
    sums = np.stack([np.bincount(person, column) for column in measured[scored].T], axis=1)
    present = np.flatnonzero(counts)
    return {comparisons.log.people[code]: sums[code] / counts[code] for code in present}
