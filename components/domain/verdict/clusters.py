"""Means over people with intervals that count people, and menu days or dishes, as clusters.

One person's choices are alike, and everybody who chose from a menu on a day answers the same question, so
neither people nor comparisons are independent. Where dishes are held out, whatever is wrong about a dish is
wrong in all comparisons that it is in. The variance is the two-way cluster-robust one (Cameron, Gelbach and
Miller 2011), for dishes the dyadic one (Aronow, Samii and Assenova 2015), with Student's t on one degree of
freedom less than the smaller number of clusters. Shapes: Q comparisons, O dishes on offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t as student

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.held_out_days import MIN_PEOPLE
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.metrics import Interval

Clusters = Literal["menu days", "dishes"]


@dataclass(frozen=True)
class Estimate:
    """A mean over people and how sure it is.

    Attributes:
        mean: Mean over people of their means over comparisons.
        error: Standard error.
        people: Number of people.
        others: Number of clusters of the other kind; None where there is none.
        comparisons: Number of comparisons.
        unit: The other kind of cluster.
    """

    mean: float
    error: float
    people: int
    others: int | None
    comparisons: int
    unit: Clusters = "menu days"

    @property
    def clusters(self) -> int:
        """The smaller number of clusters."""
        return min(self.people, self.people if self.others is None else self.others)

    def margin(self, confidence: float) -> float:
        """Half the width of the interval; infinite with a single cluster."""
        freedom = self.clusters - (2 if self.unit == "dishes" else 1)  # a pair takes two dishes
        if freedom < 1:
            return float("inf")
        return float(student.ppf((1 + confidence) / 2, freedom)) * self.error

    def interval(self, confidence: float, lowest: float = -1.0) -> Interval:
        """Gives the mean its bounds, which are all that is possible with fewer than MIN_PEOPLE people.

        Args:
            confidence: Fraction of 1.
            lowest: Least possible value: 0 of an accuracy, -1 of a difference.
        """
        margin = self.margin(confidence) if self.people >= MIN_PEOPLE else float("inf")
        return Interval.around(self.mean, margin, lowest)


def estimate(values: Floats, comparisons: Comparisons, unit: Clusters = "menu days") -> Estimate:
    """The mean of a metric, or of the difference of two models in it.

    Args:
        values: (Q,) one for each comparison; NaN for those that are left out.
        comparisons: The comparisons.
        unit: What is counted as clusters beside people: dishes where dishes are held out.
    """
    scored = np.flatnonzero(~np.isnan(values))
    person = np.unique(comparisons.person[scored], return_inverse=True)[1].astype(np.int64)
    menu_day = comparisons.menu_day[scored]
    counts = np.bincount(person)
    people = len(counts)
    mean = float((np.bincount(person, values[scored]) / counts).mean())
    influence = (values[scored] - mean) / (people * counts[person])
    if unit == "dishes":
        part = comparisons.take(scored)
        dishes = len(np.unique(part.offered))
        return Estimate(mean, dish_error(influence, person, part), people, dishes, len(scored), unit)
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


def dish_error(influence: Floats, person: Ints, comparisons: Comparisons) -> float:
    """Standard error of a sum of influences that depend on each other where they share a person or a dish.

    Exact for pairs; of larger sets those that share several dishes count more often, which errs on the safe
    side where they are alike.

    Args:
        influence: (Q,) what each comparison adds to the error of the mean.
        person: (Q,) numbers of people.
        comparisons: The comparisons.
    """
    owner, dish = comparisons.owner, comparisons.offered
    sets = _numbers_of_sets(comparisons)
    by_person = person * (int(sets.max(initial=0)) + 1) + sets
    width = int(dish.max(initial=0)) + 1
    first = _variance(influence, person)
    shared = _sharing(influence, dish, sets, comparisons)
    crossed = _sharing(influence, person[owner] * width + dish, by_person, comparisons)
    return float(np.sqrt(max(first + shared - crossed, first, shared)))


def _numbers_of_sets(comparisons: Comparisons) -> Ints:
    """(Q,) the same number for comparisons with the same dishes."""
    dishes = np.full((len(comparisons), int(comparisons.sizes.max(initial=1))), -1)
    position = np.arange(len(comparisons.offered)) - comparisons.firsts[comparisons.owner]
    dishes[comparisons.owner, position] = comparisons.offered
    return np.unique(np.sort(dishes, axis=1), axis=0, return_inverse=True)[1].astype(np.int64).ravel()


def _sharing(influence: Floats, dish: Ints, sets: Ints, comparisons: Comparisons) -> float:
    """Sum of the products of the influences of all two comparisons that share a dish.

    Args:
        influence: (Q,) see `dish_error`.
        dish: (O,) cluster of each dish on offer.
        sets: (Q,) cluster of the whole set, whose comparisons share as many dishes as it has.
        comparisons: The comparisons.
    """
    codes, number = np.unique(dish, return_inverse=True)
    # With k dishes the mean takes two of k degrees of freedom from each dish's sum.
    correction = len(codes) * (len(codes) - 1) / max(1, (len(codes) - 2) ** 2)
    once = float((np.bincount(number, influence[comparisons.owner]) ** 2).sum())
    _, first, number = np.unique(sets, return_index=True, return_inverse=True)
    again = float(((comparisons.sizes[first] - 1) * np.bincount(number, influence) ** 2).sum())
    return (once - again) * correction


def _variance(influence: Floats, clusters: Ints) -> float:
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], influence)
    count = len(sums)
    return float((sums**2).sum() * count / max(1, count - 1))
