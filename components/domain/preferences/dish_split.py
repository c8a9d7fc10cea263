"""Splits that hide dishes from everybody: how good is a model on a dish that is new?

What anyone thought of a hidden dish is neither trained on nor in any history. Times are not read: a history
is all that a person thought of the other dishes. The test asks for hidden dishes against each other, and, to
be shown beside it, for hidden dishes against ones that training has read.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.builder import Builder, History
from components.domain.preferences.comparisons import add_pairs, groups, menu_offers
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.splits import GROUPS, Split, by_source, split_of


def dish_fold(log: OpinionLog, share: float, fold: int, seed: int) -> Bools:
    """(D,) True for the dishes of one of `1 / share` folds; a dish stays in its fold when others come.

    Args:
        log: Names the dishes.
        share: Share of the dishes that is hidden.
        fold: Number of the fold; folds beyond the last begin again with the first.
        seed: Seed of the draw.
    """
    count = max(2, round(1 / share))
    drawn = [random.Random(f"{seed}/{dish}").randrange(count) for dish in log.dishes]
    return np.asarray(np.array(drawn) == fold % count)


def split_by_dish(
    log: OpinionLog, hidden: Bools, background: frozenset[str], min_history: int, seed: int
) -> Split:
    """Hides dishes from everybody.

    Args:
        log: Opinions of all people.
        hidden: (D,) True for the dishes that are tested.
        background: Sources whose opinions are only ever history.
        min_history: A person is tested if they have at least this many opinions on other dishes.
        seed: Seed of the groups.

    Raises:
        DataRejected: Nobody to train or test on.
    """
    asker = _Asker(log, hidden, background, seed)
    bounds, history_bounds = log.bounds(), asker.histories.bounds()
    for person in range(len(log.people)):
        lines = np.arange(bounds[person], bounds[person + 1])
        asker.ask(person, lines, int(history_bounds[person]), int(history_bounds[person + 1]), min_history)
    train, test = asker.train, asker.test
    if not train.lines or not test.lines:
        raise DataRejected(
            f"Hiding {int(hidden.sum())} of {len(hidden)} dishes leaves {len(train.lines)} training and "
            f"{len(test.lines)} test comparisons: collect more, or hide another share (split.test_share) or "
            "another fold (split.fold), or lower split.min_history."
        )
    histories = asker.histories
    return split_of(train.table(histories), test.table(histories), np.ones(len(histories), bool))


def only_new(split: Split) -> Bools:
    """(Q,) True for the test comparisons all of whose dishes are hidden from training and from histories."""
    test, log = split.test, split.test.log
    is_read = np.zeros(len(log.dishes), bool)
    is_read[split.train.offered] = True
    is_read[log.dish] = True
    return np.asarray(np.bincount(test.owner, is_read[test.offered], minlength=len(test)) == 0)


@dataclass
class _Asker:
    """Asks about one person after the other."""

    log: OpinionLog
    hidden: Bools
    background: frozenset[str]
    seed: int

    def __post_init__(self) -> None:
        log = self.log
        self.is_new = self.hidden[log.dish]
        sources = np.array(log.sources, object)[log.source]
        self.compared = ~np.isin(sources, list(self.background)) & ~log.is_order
        self.histories = log.take(np.flatnonzero(~self.is_new))
        self.number = np.cumsum(~self.is_new) - 1  # of a line in the log of histories
        self.offers = menu_offers(log)
        self.train, self.test = Builder(log), Builder(log)

    def ask(self, person: int, lines: Ints, first: int, end: int, min_history: int) -> None:
        """Adds a person's comparisons; their history is lines `first` to `end` of the log of histories."""
        lines, name = lines[self.compared[lines]], f"{self.seed}/{self.log.people[person]}"
        others = list(by_source(self.log, lines[~self.is_new[lines]], GROUPS, name))
        for group in others:
            history = self._without(group, first, end)
            if end - first > len(history[2]):
                self._ask(self.train, group, history, [])
        if end - first < min_history:
            return
        for group in by_source(self.log, lines[self.is_new[lines]], 1, name):
            self._ask(self.test, group, (first, end, ()), [])
            source = self.log.source[group[0]]
            beside = next((other for other in others if self.log.source[other[0]] == source), [])
            if end - first > len(beside):
                self._ask(self.test, group, self._without(beside, first, end), beside)

    def _without(self, lines: Sequence[int], first: int, end: int) -> History:
        return first, end, sorted(int(self.number[line]) for line in lines)

    def _ask(self, builder: Builder, group: Sequence[int], history: History, beside: Sequence[int]) -> None:
        """Adds what a group says of its dishes against each other, or against those of the lines beside."""
        stated = [line for line in (*group, *beside) if self.log.menu[line] == NO_MENU]
        for line in (*group, *beside):
            if self.log.menu[line] != NO_MENU:
                builder.add_choice(line, history, self._offer(line, mixed=bool(beside)))
        one_side = frozenset(group) if beside else None
        for part in groups(stated, 1, f"{self.seed}/{self.log.people[self.log.person[group[0]]]}"):
            add_pairs(builder, part, history, part, one_side)

    def _offer(self, line: int, *, mixed: bool) -> list[int]:
        """The menu's dishes that are as new as the chosen one; mixed: all, if both kinds are on it."""
        new = self.hidden[self.offers[line]]
        if mixed:
            return self.offers[line] if new.any() and not new.all() else []
        same = new == self.hidden[self.log.dish[line]]
        return [dish for dish, stays in zip(self.offers[line], same, strict=True) if stays]
