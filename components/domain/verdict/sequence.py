"""Daily differences, and bounds of their mean that hold on all nights together, however often one looks.

An interval for one look, looked at every night, is sooner or later above zero by luck alone. A confidence
sequence is not: with the stated confidence the mean lies within its bounds on every night. This one is
asymptotic, by Robbins' normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024). The mean is
that of the days so far and may drift (Choe and Ramdas 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import lambertw
from scipy.stats import norm as normal
from scipy.stats import t as student

from components.domain.verdict.metrics import Interval

NARROWEST_AT = 180  # days for which the bounds are tuned; they hold at any number
MOST_ALIKE = 0.9  # correlation of a day with the day before that is reckoned with at most


@dataclass(frozen=True)
class DailyDifferences:
    """A candidate's pair accuracy minus a rival's, day by day; a day is an entry of the ledger.

    Attributes:
        values: (days,) means over the people of a day.
        people: Median number of people of a day.
        follows_champion: Whether these days came after a change of the champion, which began the ledger anew.
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
        """Half the width of the bounds; infinite with a single day.

        The spread is estimated from few days, so the bounds are widened as Student's t widens an interval.
        Where a day resembles the day before they are widened as for an autoregressive process of first order.
        """
        if len(self.values) < 2:
            return math.inf
        above = np.array(self.values) - self.mean
        lag = min(MOST_ALIKE, max(0.0, float(above[1:] @ above[:-1]) / max(1e-12, float(above @ above))))
        spread = float(np.std(self.values, ddof=1)) * math.sqrt((1 + lag) / (1 - lag))
        return spread * _width(len(self.values), confidence)

    def interval(self, confidence: float) -> Interval:
        """Gives the mean its bounds, which are all that is possible with fewer than two days."""
        return Interval.around(self.mean, self.margin(confidence), lowest=-1.0)


@cache
def _width(days: int, confidence: float) -> float:
    """Half the width of the bounds in standard deviations of a day."""
    wider = student.ppf((1 + confidence) / 2, days - 1) / normal.ppf((1 + confidence) / 2)
    return float(wider * boundary(days, 1 - confidence) / days)


def boundary(days: int, alpha: float) -> float:
    """How far a sum of independent standard values goes from zero on any day, but for a probability of alpha.

    Args:
        days: Number of values in the sum.
        alpha: Probability with which the sum is ever beyond it.
    """
    precision = NARROWEST_AT / (-lambertw(-(alpha**2) / math.e, -1).real - 1)
    total = days + precision
    return math.sqrt(total * math.log(total / (precision * alpha**2)))


def confidence_of_look(confidence: float, look: int) -> float:
    """Confidence of one look out of any number, so that all together have at least `confidence`.

    Look k may err with 6 / (pi k)^2 of the whole error, and these shares add up to one (alpha spending).

    Args:
        confidence: Fraction of 1, of all looks together.
        look: Number of the look, from 1.
    """
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2
