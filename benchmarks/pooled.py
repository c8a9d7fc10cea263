"""Pair accuracies on several tests of one set, pooled: means over people with their intervals.

Shapes: Q comparisons, O dishes on offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchmarks.pages import in_words
from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.clusters import Clusters, Estimate, estimate
from components.domain.verdict.metrics import Interval, comparison_metrics

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Measured:
    """What the rows of a table are worth on a test.

    Attributes:
        test: The comparisons. Tests that are pooled number people and dishes alike.
        accuracies: (Q,) pair accuracy on each comparison, by row.
        counts: (Q,) True for the comparisons that count.
    """

    test: Comparisons
    accuracies: Mapping[str, Floats]
    counts: Bools

    @property
    def unit(self) -> Clusters:
        """What intervals count beside people: menu days where dishes were chosen from menus, else dishes."""
        return "menu days" if (self.test.menu_day >= 0).any() else "dishes"

    def interval(self, row: str) -> Interval:
        """Computes a row's mean over people."""
        return self.estimate(self.accuracies[row]).interval(CONFIDENCE, lowest=0.0)

    def difference(self, row: str, other: str) -> Interval:
        """Computes how far a row lies above another one."""
        return self.estimate(self.accuracies[row] - self.accuracies[other]).interval(CONFIDENCE)

    def estimate(self, values: Floats) -> Estimate:
        """Estimates the mean over people of one value for each comparison, (Q,)."""
        return estimate(np.where(self.counts, values, np.nan), self.test, self.unit)

    def of(self, counts: Bools) -> Measured:
        """Counts other comparisons, (Q,)."""
        return Measured(self.test, self.accuracies, counts)


def measured(test: Comparisons, scores: Mapping[str, Floats], counts: Bools | None = None) -> Measured:
    """Measures the rows of a test.

    Args:
        scores: (O,) scores of the dishes on offer, by row.
        counts: (Q,) True for the comparisons that count; None for all.
    """
    accuracies = {row: comparison_metrics(values, test)[:, 0] for row, values in scores.items()}
    return Measured(test, accuracies, np.ones(len(test), bool) if counts is None else counts)


def pooled(parts: Sequence[Measured]) -> Measured:
    """Pools tests; rows that a test lacks are dropped."""
    columns = [column.name for column in fields(Comparisons) if column.name != "log"]
    joined = {name: np.concatenate([getattr(part.test, name) for part in parts]) for name in columns}
    rows = [row for row in parts[0].accuracies if all(row in part.accuracies for part in parts)]
    return Measured(
        Comparisons(log=parts[0].test.log, **joined),
        {row: np.concatenate([part.accuracies[row] for part in parts]) for row in rows},
        np.concatenate([part.counts for part in parts]),
    )


def minus(result: Measured, row: str, other: str) -> str:
    """Writes how far a row lies above another one; empty where both are one."""
    return "" if row == other else in_words(result.difference(row, other), "+")
