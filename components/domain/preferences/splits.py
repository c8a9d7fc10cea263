"""How comparisons are divided into training and test: by time, or within each person.

Within a person, some of their opinions are held out and the rest is their history: for data without real
times (a survey, ratings collected at once). Training asks the same in small: the other opinions are dealt
into groups, and each group is asked about with the rest as history.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.builder import Builder, History
from components.domain.preferences.comparisons import add_pairs, menu_offers
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.stated_pairs import groups
from components.domain.preferences.strengths import with_source_offsets
from components.domain.preferences.tables import Comparisons

MAX_LINES, MAX_COMPARISONS = 1000, 2000  # of a person
GROUPS = 4  # into which a person's opinions are dealt for training, at least


@dataclass(frozen=True)
class Split:
    """Comparisons to train on, and those held out of people with enough history.

    Attributes:
        train: Comparisons to train on.
        test: Comparisons held out; on the same log.
        may_know: (L,) True for the lines of the log that training may read.
    """

    train: Comparisons
    test: Comparisons
    may_know: Bools


def cut_day(log: OpinionLog, test_days: int) -> np.datetime64:
    """Local day on which the test begins: the last `test_days` days that have any opinion are held out.

    Raises:
        DataRejected: Too few days.
    """
    days = np.unique(log.day)
    if len(days) <= test_days:
        raise DataRejected(
            f"There are opinions on {len(days)} days and split.test_days is {test_days}: "
            "collect more days, or hold out fewer."
        )
    cut: np.datetime64 = days[-test_days]
    return cut


def split_by_time(comparisons: Comparisons, cut: np.datetime64, min_history: int) -> Split:
    """Holds out what is said from a day on.

    Args:
        comparisons: Of all people.
        cut: Local day on which the test begins; no comparison rests on opinions from both sides of it.
        min_history: A person is tested if they have at least this many comparisons before the cut.

    Raises:
        DataRejected: Nobody to train or test on.
    """
    is_before = comparisons.day < cut
    before = np.bincount(comparisons.person[is_before], minlength=len(comparisons.log.people))
    train = np.flatnonzero(is_before & comparisons.has_history)
    test = np.flatnonzero(~is_before & (before[comparisons.person] >= min_history))
    if not len(train) or not len(test):
        raise DataRejected(
            f"Splitting at {cut} leaves {len(train)} training and {len(test)} test comparisons: "
            "collect more, or lower split.min_history or split.test_days."
        )
    return split_of(comparisons.take(train), comparisons.take(test), comparisons.log.day < cut)


def split_within_person(
    log: OpinionLog,
    held_out: Bools,
    background: frozenset[str],
    min_history: int,
    seed: int,
) -> Split:
    """Holds out some opinions of each person; the rest is that person's history.

    Args:
        log: Opinions of all people.
        held_out: (L,) True for the lines that are tested.
        background: Sources whose opinions are only ever history (what a person declares, say).
        min_history: A person is tested if they have at least this many other opinions.
        seed: Seed of the groups.

    Raises:
        DataRejected: Nobody to train or test on.
    """
    compared = ~np.isin(np.array(log.sources, object)[log.source], list(background)) & ~log.is_order
    tested = compared & held_out
    histories, number = log.take(np.flatnonzero(~tested)), np.cumsum(~tested) - 1
    asker, train, test = _Asker(menu_offers(log)), Builder(log), Builder(log)
    bounds, history_bounds = log.bounds(), histories.bounds()
    for person, name in enumerate(log.people):
        lines = np.arange(bounds[person], bounds[person + 1])
        first, end = int(history_bounds[person]), int(history_bounds[person + 1])
        for group in by_source(log, lines[(compared & ~held_out)[lines]], GROUPS, f"{seed}/{name}"):
            hidden = sorted(int(number[line]) for line in group)
            if end - first > len(hidden):
                asker.ask(train, group, (first, end, hidden))
        if end - first >= min_history:
            for group in by_source(log, lines[tested[lines]], 1, f"{seed}/{name}"):
                asker.ask(test, group, (first, end, ()))
    if not train.lines or not test.lines:
        raise DataRejected(
            f"Holding out within each person leaves {len(train.lines)} training and "
            f"{len(test.lines)} test comparisons: collect more, or lower split.min_history, or hold out "
            "another share or other sources."
        )
    return split_of(train.table(histories), test.table(histories), np.ones(len(histories), bool))


def split_of(train: Comparisons, test: Comparisons, may_know: Bools) -> Split:
    """The split with the offsets of its sources; arguments as the attributes of `Split`.

    One account that many people share may have tens of thousands of events: of a history the latest MAX_LINES
    are read, and of a person the latest MAX_COMPARISONS are trained on, so that cost follows events.
    """
    log = with_source_offsets(train.log, may_know)
    train = train.take(_latest_of_each(train))
    parts = (replace(part, start=np.maximum(part.start, part.stop - MAX_LINES)) for part in (train, test))
    train, test = (replace(part, log=log) for part in parts)
    return Split(train, test, may_know)


def _latest_of_each(comparisons: Comparisons) -> Ints:
    """Numbers of the comparisons, ascending, at most MAX_COMPARISONS of a person."""
    order = np.lexsort([comparisons.at, comparisons.person])
    counts = np.bincount(comparisons.person)
    ends = np.cumsum(counts)[comparisons.person[order]]
    return np.sort(order[ends - np.arange(len(order)) <= MAX_COMPARISONS])


def seeded_share(log: OpinionLog, share: float, seed: int) -> Bools:
    """(L,) True for a random share of each person's opinions.

    Stated opinions are drawn for each person and dish, so a dish judged twice stands on one side; choices for
    each person and moment, since a dish that is never in the history would be told from its alternatives.
    What a later night adds moves nothing: a champion is never tested on what it was trained on.
    """
    names = [
        f"{log.people[person]}/{log.dishes[dish] if stated else at}"
        for person, dish, at, stated in zip(log.person, log.dish, log.at, log.is_stated, strict=True)
    ]
    drawn = {name: random.Random(f"{seed}/{name}").random() < share for name in set(names)}
    return np.array([drawn[name] for name in names], bool)


def by_source(log: OpinionLog, lines: Ints, fewest: int, seed: str) -> Iterator[list[int]]:
    """The lines dealt at random into groups; by source where they come from several."""
    sources = np.unique(log.source[lines])
    for source in sources:
        part = lines[log.source[lines] == source].tolist()
        yield from groups(part, fewest if len(sources) == 1 else 1, seed)


class _Asker:
    """Asks about groups of a person's opinions."""

    def __init__(self, offers: Mapping[int, list[int]]) -> None:
        self.offers = offers

    def ask(self, builder: Builder, group: Sequence[int], history: History) -> None:
        """Adds each choice of the group, and every two stated opinions that differ."""
        stated = []
        for line in group:
            if builder.log.menu[line] == NO_MENU:
                stated.append(line)
            else:
                builder.add_choice(line, history, self.offers[line])
        add_pairs(builder, stated, history, group)
