"""Folds of a training period: a fit on one part is tried on the rest, as it will be on the test.

A fold holds back days, people or dishes, whichever are new in the test. Constants are chosen on folds.
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
    """Looks up what is new in the test: days, people or dishes."""
    units: dict[str, Unit] = {"time": "day", "dish": "dish"}
    return units.get(split.by, "person")


@dataclass(frozen=True, eq=False)
class Fold:
    """A division of the training comparisons: one part to fit on, the other to try the fit on.

    Attributes:
        train: Comparisons to fit on.
        may_know: (L,) True for the lines of the log that the fit may read.
        new: Comparisons to try the fit on.
    """

    train: Comparisons
    may_know: Bools
    new: Comparisons

    @property
    def hidden(self) -> Ints:
        """Dishes that only the new comparisons offer; like new dishes of the test, they have no opinions."""
        return np.setdiff1d(self.new.offered, self.train.offered)

    def some(self, count: int) -> Fold:
        """Keeps at most `count` of the new comparisons, evenly spaced."""
        few = np.linspace(0, len(self.new) - 1, min(len(self.new), count)).astype(int)
        return replace(self, new=self.new.take(few))


def folds_of(train: Comparisons, may_know: Bools, unit: Unit, count: int) -> Iterator[Fold]:
    """Yields the folds that have comparisons on both sides; fewer than `count` where there are fewer units.

    Args:
        may_know: (L,) True for the lines of the log that training may read.
        unit: What is new in the test: days (with their dishes), people, or dishes.
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
    """Builds a fold that tries held-back dishes against each other, after histories without them."""
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
    """Computes the share of alternatives that score below the chosen dish; ties count half."""
    chosen = scores[comparisons.chosen_at][comparisons.owner]
    won = (chosen > scores) + 0.5 * (chosen == scores)
    return float((won.sum() - 0.5 * len(comparisons)) / (len(scores) - len(comparisons)))
