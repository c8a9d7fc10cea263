"""Ranking metrics of comparisons and of people."""

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
        """Clips the interval to what is possible.

        Args:
            mean: Its middle.
            margin: Half its width; may be infinite.
            lowest: Least possible value: 0 of an accuracy, -1 of a difference. The largest is 1.
        """
        return cls(mean, max(lowest, mean - margin), min(1.0, mean + margin))

    def bounds(self, form: str = ".3f") -> str:
        """Writes both bounds in a number format, or `unknown` where they are all that is possible."""
        if (self.low, self.high) in UNKNOWN:
            return "unknown"
        return f"{self.low:{form}} to {self.high:{form}}"


def comparison_metrics(scores: Floats, comparisons: Comparisons) -> Floats:
    """(Q, METRICS) in expectation over random breaking of ties; NaN for comparisons that were not scored.

    Args:
        scores: (O,) higher is better; NaN throughout a comparison that was not scored.
        comparisons: The comparisons, each with two dishes or more.
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
    """Each person's (METRICS,) means over their comparisons that were scored.

    Args:
        measured: (Q, METRICS) see `comparison_metrics`.
        comparisons: The comparisons.
    """
    scored = ~np.isnan(measured[:, 0])
    person = comparisons.person[scored]
    counts = np.bincount(person)
    sums = np.stack([np.bincount(person, column) for column in measured[scored].T], axis=1)
    present = np.flatnonzero(counts)
    return {comparisons.log.people[code]: sums[code] / counts[code] for code in present}
