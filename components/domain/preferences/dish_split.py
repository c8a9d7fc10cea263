"""Splits that hide dishes from everybody: how good is a model on a dish that is new?

What anyone thought of a hidden dish is neither trained on nor in any history. Times are not read: a history
is all that a person thought of the other dishes. The test asks for hidden dishes against each other, and, to
be shown beside it, for hidden dishes against ones that training has read, of which some of each person's
opinions are held out, too: whatever is asked about may have been read nowhere.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.builder import Builder, History
from components.domain.preferences.comparisons import add_pairs, menu_offers
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.splits import GROUPS, Split, by_source, seeded_share, split_of

BESIDE_SHARE = 0.125  # of opinions, on which new dishes are compared with others


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
        self.is_beside = seeded_share(log, BESIDE_SHARE, self.seed) & self.compared
        self.is_read = ~self.is_new & ~self.is_beside
        self.histories = log.take(np.flatnonzero(self.is_read))
        self.number = np.cumsum(self.is_read) - 1  # of a line in the log of histories
        self.offers = menu_offers(log)
        self.train, self.test = Builder(log), Builder(log)

    def ask(self, person: int, lines: Ints, first: int, end: int, min_history: int) -> None:
        """Adds a person's comparisons; their history is lines `first` to `end` of the log of histories."""
        lines, name = lines[self.compared[lines]], f"{self.seed}/{self.log.people[person]}"
        for group in by_source(self.log, lines[self.is_read[lines]], GROUPS, name):
            hidden = sorted(int(self.number[line]) for line in group)
            if end - first > len(hidden):
                self._ask(self.train, group, (first, end, hidden))
        if end - first < max(1, min_history):
            return
        for group in by_source(self.log, lines[self.is_new[lines]], 1, name):
            self._ask(self.test, group, (first, end, ()))
        for group in by_source(self.log, lines[~self.is_read[lines]], 1, name):
            self._ask_across(group, (first, end, ()))

    def _ask(self, builder: Builder, group: Sequence[int], history: History) -> None:
        """Adds what a group says of its dishes against each other."""
        for line in group:
            if self.log.menu[line] != NO_MENU:
                new = self.hidden[self.offers[line]] == self.hidden[self.log.dish[line]]
                offer = [dish for dish, stays in zip(self.offers[line], new, strict=True) if stays]
                builder.add_choice(line, history, offer)
        add_pairs(builder, self._stated(group), history, group)

    def _ask_across(self, group: Sequence[int], history: History) -> None:
        """Adds what a group says of new dishes against others.

        Of choices as many are asked where a new dish was chosen as where another was: else being new would
        tell the chosen one.
        """
        for line in group:
            new = self.hidden[self.offers.get(line, [])]
            if self.is_beside[line] and new.any() and not new.all():
                self.test.add_choice(line, history, self.offers[line])
        one_side = frozenset(line for line in group if self.is_new[line])
        add_pairs(self.test, self._stated(group), history, group, one_side)

    def _stated(self, group: Sequence[int]) -> list[int]:
        return [line for line in group if self.log.menu[line] == NO_MENU]
