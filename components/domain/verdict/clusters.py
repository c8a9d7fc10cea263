"""Means over people with intervals that count people, and menu days or dishes, as clusters.

Comparisons depend on each other in two ways. One person's choices are alike, and everybody who chose from one
menu on one day answers the same question. Where dishes are held out, an error about a dish repeats in each
comparison that offers the dish. The variance is therefore the two-way cluster-robust one (Cameron, Gelbach
and Miller 2011); for dishes it is the dyadic one (Aronow, Samii and Assenova 2015). Student's t has one
degree of freedom less than the smaller number of clusters, for dishes two less. Shapes: Q comparisons, O
dishes on offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.held_out_days import MIN_PEOPLE
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.metrics import Interval

Clusters = Literal["menu days", "dishes"]


@dataclass(frozen=True)
class Estimate:
    """A mean over people with its standard error.

    Attributes:
        mean: Mean over people of each person's mean over comparisons.
        error: Standard error of the mean.
        people: Number of people.
        others: Number of menu days or dishes; None where nobody chose from a menu.
        comparisons: Number of comparisons.
        unit: What `others` counts.
    """

    mean: float
    error: float
    people: int
    others: int | None
    comparisons: int
    unit: Clusters = "menu days"

    @property
    def clusters(self) -> int:
        """The number of people or of other clusters, whichever is smaller."""
        return min(self.people, self.people if self.others is None else self.others)

    def margin(self, confidence: float) -> float:
        """Computes half the width of the interval; infinite with too few clusters for a degree of freedom."""
        freedom = self.clusters - (2 if self.unit == "dishes" else 1)  # a pair takes two dishes
        if freedom < 1:
            return float("inf")
        return float(stdtrit(freedom, (1 + confidence) / 2)) * self.error

    def interval(self, confidence: float, lowest: float = -1.0) -> Interval:
        """Computes the interval of the mean; below MIN_PEOPLE people it is the whole possible range.

        Args:
            confidence: Confidence of the interval, as a fraction of 1.
            lowest: Least possible value: 0 for an accuracy, -1 for a difference of two.
        """
        margin = self.margin(confidence) if self.people >= MIN_PEOPLE else float("inf")
        return Interval.around(self.mean, margin, lowest)


def number_of_people(count: int) -> str:
    """Writes a number of people: `1 person`, `1,200 people`."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def estimate(values: Floats, comparisons: Comparisons, unit: Clusters = "menu days") -> Estimate:
    """Estimates the mean over people of a metric, or of the difference of two models in a metric.

    Args:
        values: (Q,) one value for each comparison; NaN leaves a comparison out.
        unit: Clusters beside people: menu days, or dishes where dishes are held out.
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
    # A comparison without a menu shares a cluster only with the same person's other comparisons without one.
    day = np.where(menu_day >= 0, menu_day, menu_day.max(initial=0) + 1 + person)
    error = two_way_error(influence, person, day)
    return Estimate(mean, error, people, days or None, len(scored))


def two_way_error(influence: Floats, one: Ints, other: Ints) -> float:
    """Computes the standard error of a sum of influences that are dependent within clusters of two kinds.

    With few clusters the two-way variance can be negative. The larger variance of the two kinds is its lower
    limit.

    Args:
        influence: (Q,) what each comparison adds to the error of the mean.
        one: (Q,) number of each comparison's cluster of the first kind.
        other: (Q,) number of each comparison's cluster of the second kind.
    """
    both = np.unique(one * (int(other.max(initial=0)) + 1) + other, return_inverse=True)[1]
    first, second, crossed = (_variance(influence, clusters) for clusters in (one, other, both))
    return float(np.sqrt(max(first + second - crossed, first, second)))


def dish_error(influence: Floats, person: Ints, comparisons: Comparisons) -> float:
    """Computes the standard error of a sum of influences that depend on shared people and dishes.

    The error is exact where each comparison offers two dishes. Two larger sets that share several dishes are
    counted once for each shared dish, which makes the error too large where their influences are alike.

    Args:
        influence: (Q,) what each comparison adds to the error of the mean.
        person: (Q,) number of each comparison's person.
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
    """Numbers the sets of dishes on offer, (Q,); comparisons with the same dishes get the same number."""
    dishes = np.full((len(comparisons), int(comparisons.sizes.max(initial=1))), -1)
    position = np.arange(len(comparisons.offered)) - comparisons.firsts[comparisons.owner]
    dishes[comparisons.owner, position] = comparisons.offered
    return np.unique(np.sort(dishes, axis=1), axis=0, return_inverse=True)[1].astype(np.int64).ravel()


def _sharing(influence: Floats, dish: Ints, sets: Ints, comparisons: Comparisons) -> float:
    """Sums the products of the influences of each two comparisons that share a dish.

    Comparisons of one whole set share all its dishes and would count once for each. They are counted once.

    Args:
        influence: (Q,) see `dish_error`.
        dish: (O,) number of the cluster of each dish on offer.
        sets: (Q,) number of the set of dishes that each comparison offers.
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
