"""Folds of a training period: what is fitted on some of it is tried on the rest, as the test tries it.

A fold holds back days, people or dishes, whatever is new in the test. Constants are chosen on folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from components.domain.params import SplitParams
from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.tables import Comparisons

Unit = Literal["day", "person", "dish"]


def unit_of(split: SplitParams) -> Unit:
    """What is new in the test."""
    units: dict[str, Unit] = {"time": "day", "dish": "dish"}
    return units.get(split.by, "person")


@dataclass(frozen=True, eq=False)
class Fold:
    """A part of training that what was fitted on the rest is tried on.

    Attributes:
        train: The rest.
        may_know: (L,) True for the lines of the log that a fit on the rest may read.
        new: The part.
    """

    train: Comparisons
    may_know: Bools
    new: Comparisons

    @property
    def hidden(self) -> Ints:
        """Dishes that only the new comparisons offer: as new as the test's, so nobody's opinion is read."""
        return np.setdiff1d(self.new.offered, self.train.offered)

    def some(self, count: int) -> Fold:
        """The same with at most so many of the new comparisons, evenly spaced."""
        few = np.linspace(0, len(self.new) - 1, min(len(self.new), count)).astype(int)
        return replace(self, new=self.new.take(few))


def folds_of(train: Comparisons, may_know: Bools, unit: Unit, count: int) -> Iterator[Fold]:
    """The folds that have anything to fit and to try; fewer than `count` where there are fewer units.

    Args:
        train: The training comparisons.
        may_know: (L,) True for the lines of the log that training may read.
        unit: What is new in the test.
        count: Number of folds.
    """
    for number in range(count if len(train) else 0):
        if unit == "dish":
            fold = _of_dishes(train, may_know, number, count)
        else:
            fold = _of_days_or_people(train, may_know, unit, number, count)
        if len(fold.new) and len(fold.train):
            yield fold


def _of_days_or_people(train: Comparisons, may_know: Bools, unit: Unit, number: int, count: int) -> Fold:
    log = train.log
    values = train.day.astype(np.int64) if unit == "day" else train.person
    of_lines = log.day.astype(np.int64) if unit == "day" else log.person
    names, at = np.unique(values, return_inverse=True)
    position = np.minimum(np.searchsorted(names, of_lines), len(names) - 1)
    is_read = (names[position] != of_lines) | (position % count != number)
    inside = at % count == number
    return Fold(train.take(np.flatnonzero(~inside)), may_know & is_read, train.take(np.flatnonzero(inside)))


def _of_dishes(train: Comparisons, may_know: Bools, number: int, count: int) -> Fold:
    """New are dishes against each other, after histories in which none of them is."""
    log = train.log
    position = np.zeros(len(log.dishes), np.int64)
    names = np.unique(train.offered)
    position[names] = np.arange(len(names))
    hidden = np.zeros(len(log.dishes), bool)
    hidden[names] = position[names] % count == number
    new = train.among(hidden)
    if len(new):
        new = new.with_history_lines(~hidden[log.dish[new.lines.line]])
    return Fold(train.among(~hidden), may_know & ~hidden[log.dish], new)


def share_won(scores: Floats, comparisons: Comparisons) -> float:
    """Share of the alternatives that the chosen dish is put before; ties count half."""
    chosen = scores[comparisons.chosen_at][comparisons.owner]
    won = (chosen > scores) + 0.5 * (chosen == scores)
    return float((won.sum() - 0.5 * len(comparisons)) / (len(scores) - len(comparisons)))
