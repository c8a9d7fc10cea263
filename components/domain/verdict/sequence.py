"""Daily differences, and bounds of their mean that hold on all nights together, however often one looks.

An ordinary interval that is looked at every night will sooner or later lie above zero by luck alone. A
confidence sequence avoids that: with the stated confidence its bounds contain the mean on every night. The
one used here is asymptotic, by Robbins' normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
2024). It bounds the mean of the days so far, which may drift (Choe and Ramdas 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import lambertw, ndtri, stdtrit

from components.domain.verdict.metrics import Interval

NARROWEST_AT = 180  # days for which the bounds are tuned; they hold at any number
MOST_ALIKE = 0.9  # upper limit of the assumed correlation of a day with the day before


@dataclass(frozen=True)
class DailyDifferences:
    """A candidate's pair accuracy minus a rival's, day by day; a day is an entry of the ledger.

    Attributes:
        values: (days,) each day's mean over people.
        people: Median over the days of the number of people.
        follows_champion: Whether a change of the champion opened the ledger that these days come from.
    """

    values: tuple[float, ...]
    people: int
    follows_champion: bool = False

    @property
    def mean(self) -> float:
        """Mean over the days."""
        return float(np.mean(self.values)) if self.values else 0.0

    @property
    def clusters(self) -> int:
        """Number of days."""
        return len(self.values)

    def margin(self, confidence: float) -> float:
        """Computes half the width of the bounds; infinite with fewer than two days.

        The spread is estimated from few days, so the bounds are widened as Student's t widens an interval.
        Where a day resembles the day before, they are also widened as for an autoregressive process of first
        order.
        """
        if len(self.values) < 2:
            return math.inf
        above = np.array(self.values) - self.mean
        lag = min(MOST_ALIKE, max(0.0, float(above[1:] @ above[:-1]) / max(1e-12, float(above @ above))))
        spread = float(np.std(self.values, ddof=1)) * math.sqrt((1 + lag) / (1 - lag))
        return spread * _width(len(self.values), confidence)

    def interval(self, confidence: float) -> Interval:
        """Computes the bounds of the mean; with fewer than two days they are the whole possible range."""
        return Interval.around(self.mean, self.margin(confidence), lowest=-1.0)


@cache
def _width(days: int, confidence: float) -> float:
    """Computes half the width of the bounds, in standard deviations of a day's difference."""
    wider = stdtrit(days - 1, (1 + confidence) / 2) / ndtri((1 + confidence) / 2)
    return float(wider * boundary(days, 1 - confidence) / days)


def boundary(days: int, alpha: float) -> float:
    """Computes the boundary that a growing sum of independent standard values almost never crosses.

    Args:
        days: Number of values in the sum so far.
        alpha: Probability that the sum's distance from zero exceeds the boundary on any day.
    """
    precision = NARROWEST_AT / (-lambertw(-(alpha**2) / math.e, -1).real - 1)
    total = days + precision
    return math.sqrt(total * math.log(total / (precision * alpha**2)))


def confidence_of_look(confidence: float, look: int) -> float:
    """Computes the confidence that one look needs, so that any number of looks together have `confidence`.

    Look k may use the share 6 / (pi k)^2 of the whole error. These shares add up to one (alpha spending).

    Args:
        confidence: Confidence of all looks together, as a fraction of 1.
        look: Number of the look, from 1.
    """
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2
