"""Means over people with intervals that count people and menu days as clusters.

One person's choices are alike, and everybody who chose from a menu on a day answers the same question, so
neither people nor comparisons are independent. The variance is the two-way cluster-robust one (Cameron,
Gelbach and Miller 2011), with Student's t on one degree of freedom less than the smaller number of clusters.
Shapes: Q comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.metrics import Interval


@dataclass(frozen=True)
class Estimate:
    """A mean over people and how sure it is.

    Attributes:
        mean: Mean over people of their means over comparisons.
        error: Standard error.
        people: Number of people.
        menu_days: Number of menu days; None where nothing was chosen from a menu.
        comparisons: Number of comparisons.
    """

    mean: float
    error: float
    people: int
    menu_days: int | None
    comparisons: int

    @property
    def clusters(self) -> int:
        """The smaller number of clusters."""
        return min(self.people, self.people if self.menu_days is None else self.menu_days)

    def margin(self, confidence: float) -> float:
        """Half the width of the interval; infinite with a single cluster."""
        if self.clusters < 2:
            return float("inf")
        return float(student.ppf((1 + confidence) / 2, self.clusters - 1)) * self.error

    def interval(self, confidence: float) -> Interval:
        """The mean with its bounds, which for want of clusters may be all that is possible."""
        margin = min(self.margin(confidence), 1.0)
        return Interval(self.mean, self.mean - margin, self.mean + margin)


def estimate(values: Floats, comparisons: Comparisons) -> Estimate:
    """The mean of a metric, or of the difference of two models in it.

    Args:
        values: (Q,) one for each comparison; NaN for those that are left out.
        comparisons: The comparisons.
    """
    scored = np.flatnonzero(~np.isnan(values))
    person = np.unique(comparisons.person[scored], return_inverse=True)[1].astype(np.int64)
    menu_day = comparisons.menu_day[scored]
    counts = np.bincount(person)
    people = len(counts)
    mean = float((np.bincount(person, values[scored]) / counts).mean())
    influence = (values[scored] - mean) / (people * counts[person])
    days = len(np.unique(menu_day[menu_day >= 0]))
    # What was chosen from no menu shares a cluster with its person alone.
    day = np.where(menu_day >= 0, menu_day, menu_day.max(initial=0) + 1 + person)
    error = two_way_error(influence, person, day)
    return Estimate(mean, error, people, days or None, len(scored))


def two_way_error(influence: Floats, one: Ints, other: Ints) -> float:
    """Standard error of a sum of influences that are dependent within clusters of either kind.

    Never below that of the kind with the larger variance: the formula can be negative with few clusters.

    Args:
        influence: (Q,) what each comparison adds to the error of the mean.
        one: (Q,) clusters of one kind.
        other: (Q,) clusters of the other kind.
    """
    both = np.unique(one * (int(other.max(initial=0)) + 1) + other, return_inverse=True)[1]
    first, second, crossed = (_variance(influence, clusters) for clusters in (one, other, both))
    return float(np.sqrt(max(first + second - crossed, first, second)))


def _variance(influence: Floats, clusters: Ints) -> float:
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], influence)
    count = len(sums)
    return float((sums**2).sum() * count / max(1, count - 1))
