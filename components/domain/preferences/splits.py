"""How comparisons are divided into training and test: by time, or within each person.

Within a person, some of their opinions are held out and the rest is their history: for data without real
times (a survey, ratings collected at once). Training asks the same in small: the other opinions are dealt
into groups, and each group is asked about with the rest as history.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import Builder, History, menu_offers, prefers
from components.domain.preferences.opinions import Menus
from components.domain.preferences.tables import NO_MENU, Bools, Comparisons, Ints, OpinionLog, moment
from components.domain.records import DISLIKED, LIKED

GROUPS = 4  # into which a person's opinions are dealt for training, at least
GROUP_SIZE = 12  # opinions at most asked about together: pairs grow with its square


@dataclass(frozen=True)
class Split:
    """Comparisons to train on, and those held out of people with enough history; both on one log."""

    train: Comparisons
    test: Comparisons


def split_by_time(comparisons: Comparisons, test_days: int, min_history: int) -> Split:
    """Holds out the last `test_days` days that have comparisons.

    Args:
        comparisons: Of all people.
        test_days: Days (UTC) held out, counted over days that have any comparison.
        min_history: A person is tested if they have at least this many comparisons before the cut.

    Raises:
        DataRejected: Too few days, or nobody to train or test on.
    """
    days = np.unique(comparisons.days)
    if len(days) <= test_days:
        raise DataRejected(
            f"There are comparisons on {len(days)} days and split.test_days is {test_days}: "
            "collect more days, or hold out fewer."
        )
    cut = days[-test_days]
    is_before = comparisons.days < cut
    before = np.bincount(comparisons.person[is_before], minlength=len(comparisons.log.people))
    train = np.flatnonzero(is_before & (comparisons.history_sizes > 0))
    test = np.flatnonzero(~is_before & (before[comparisons.person] >= min_history))
    if not len(train) or not len(test):
        raise DataRejected(
            f"Splitting at {cut} leaves {len(train)} training and {len(test)} test comparisons: "
            "collect more, or lower split.min_history or split.test_days."
        )
    return Split(comparisons.take(train), comparisons.take(test))


def split_within_person(
    log: OpinionLog,
    menus: Menus,
    held_out: Bools,
    background: frozenset[str],
    min_history: int,
    max_history: int,
    seed: int,
) -> Split:
    """Holds out some opinions of each person; the rest is that person's history.

    Args:
        log: Opinions of all people.
        menus: The log's menus.
        held_out: (L,) True for the lines that are tested.
        background: Sources whose opinions are only ever history (what a person declares, say).
        min_history: A person is tested if they have at least this many other opinions.
        max_history: Lines of history at most; the latest stay.
        seed: Seed of the groups.

    Raises:
        DataRejected: Nobody to train or test on.
    """
    compared = ~np.isin(np.array(log.sources, object)[log.source], list(background))
    tested = compared & held_out
    histories, number = log.take(np.flatnonzero(~tested)), np.cumsum(~tested) - 1
    asker, train, test = _Asker(log, menu_offers(log, menus)), Builder(log), Builder(log)
    bounds, history_bounds = log.bounds(), histories.bounds()
    for person, name in enumerate(log.people):
        lines = np.arange(bounds[person], bounds[person + 1])
        first, end = int(history_bounds[person]), int(history_bounds[person + 1])
        for group in _groups(log, lines[(compared & ~held_out)[lines]], GROUPS, f"{seed}/{name}"):
            hidden = sorted(int(number[line]) for line in group)
            if end - first > len(hidden):
                asker.ask(train, group, (_latest(first, end, hidden, max_history), end, hidden))
        if end - first >= min_history:
            for group in _groups(log, lines[tested[lines]], 1, f"{seed}/{name}"):
                asker.ask(test, group, (_latest(first, end, (), max_history), end, ()))
    if not train.line or not test.line:
        raise DataRejected(
            f"Holding out within each person leaves {len(train.line)} training and "
            f"{len(test.line)} test comparisons: collect more, or lower split.min_history, or hold out "
            "another share or other sources."
        )
    return Split(train.table(histories), test.table(histories))


def seeded_share(log: OpinionLog, share: float, seed: int) -> Bools:
    """(L,) True for a random share of each person's opinions.

    Drawn for each person and dish alone, so that what a later night adds moves nothing: a champion is never
    tested on what it was trained on, and a dish judged twice stands on one side.
    """
    pairs = {
        (person, dish): random.Random(f"{seed}/{log.people[person]}/{log.dishes[dish]}").random() < share
        for person, dish in set(zip(log.person.tolist(), log.dish.tolist(), strict=True))
    }
    return np.array([pairs[pair] for pair in zip(log.person.tolist(), log.dish.tolist(), strict=True)], bool)


def _groups(log: OpinionLog, lines: Ints, fewest: int, seed: str) -> Iterator[list[int]]:
    """The lines dealt at random; by source, and then at random, where they come from several."""
    sources = np.unique(log.source[lines])
    if len(sources) > 1:
        for source in sources:
            yield from _groups(log, lines[log.source[lines] == source], 1, seed)
        return
    count = max(fewest, -(-len(lines) // GROUP_SIZE))
    deck = lines.tolist()
    random.Random(seed).shuffle(deck)
    yield from (group for group in (deck[start::count] for start in range(count)) if group)


class _Asker:
    """Asks about groups of a person's opinions."""

    def __init__(self, log: OpinionLog, offers: Mapping[int, list[int]]) -> None:
        self.log, self.offers = log, offers

    def ask(self, builder: Builder, group: Sequence[int], history: History) -> None:
        """Adds every choice of the group against its alternatives, and every two stated opinions that differ.

        Args:
            builder: Gets the comparisons.
            group: Lines of the log, in the order in which they were dealt.
            history: What is known of the person; see `Builder.add`.
        """
        for line in sorted(group):
            if self.log.menu[line] != NO_MENU:
                self._ask_choice(builder, line, history)
            else:
                for other in group:
                    self._ask_pair(builder, line, other, history)

    def _ask_choice(self, builder: Builder, line: int, history: History) -> None:
        dish, dishes = int(self.log.dish[line]), self.offers[line]
        verdicts = [LIKED if each == dish else DISLIKED for each in dishes]
        key = self._key(line, self.log.menus[self.log.menu[line]])
        builder.add(line, key, history, dishes, dish, verdicts)

    def _ask_pair(self, builder: Builder, line: int, other: int, history: History) -> None:
        log = self.log
        if log.menu[other] != NO_MENU or log.dish[other] == log.dish[line] or not prefers(log, line, other):
            return
        pair = sorted((line, other), key=log.dish.__getitem__)
        dishes, verdicts = [int(log.dish[each]) for each in pair], [int(log.verdict[each]) for each in pair]
        key = f"{self._key(line, log.sources[log.source[line]])}>{log.dishes[log.dish[other]]}"
        builder.add(line, key, history, dishes, int(log.dish[line]), verdicts)

    def _key(self, line: int, middle: str) -> str:
        log = self.log
        person, dish = log.people[log.person[line]], log.dishes[log.dish[line]]
        return f"{person}/{moment(log.at[line]).isoformat()}/{middle}/{dish}"


def _latest(first: int, end: int, hidden: Sequence[int], most: int) -> int:
    """First of the `most` latest lines before `end` that are not hidden."""
    start = end - most
    for line in reversed(hidden):
        start -= line >= start
    return max(first, start)
