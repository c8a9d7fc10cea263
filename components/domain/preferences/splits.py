"""Divides comparisons into training and test: by time, or within each person.

The division within each person is for data without real times (a survey, ratings collected at once). Some
opinions of a person are held out; the rest is their history. Training does the same on a smaller scale: it
deals the other opinions into groups, and asks about each group with the rest as history.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.comparison_tables import choice_table
from components.domain.preferences.held_out_groups import Histories, compare_within, deal
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.strengths import with_source_offsets
from components.domain.preferences.tables import Comparisons

MAX_LINES, MAX_COMPARISONS = 1000, 2000  # of a person
USUAL, TIMES, SHARE = 100, 10, 0.01  # a person has at most the largest of 100, 10 times the mean, 1% of all
GROUPS = 4  # least number of groups into which a person's opinions are dealt for training


@dataclass(frozen=True)
class Split:
    """Comparisons to train on, and held-out comparisons of people with enough history.

    Attributes:
        train: Comparisons to train on.
        test: Held-out comparisons, on the same log.
        may_know: (L,) True for the lines of the log that training may read.
    """

    train: Comparisons
    test: Comparisons
    may_know: Bools


def split_by_time(comparisons: Comparisons, cut: np.datetime64, min_history: int) -> Split:
    """Holds out the comparisons from a day on.

    Args:
        cut: Local day on which the test begins; no comparison rests on opinions from both sides of it.
        min_history: Number of comparisons before the cut that a person needs to be tested.

    Raises:
        DataRejected: No comparison is left to train on.
    """
    is_before = comparisons.day < cut
    before = np.bincount(comparisons.person[is_before], minlength=len(comparisons.log.people))
    train = np.flatnonzero(is_before & comparisons.has_history)
    test = np.flatnonzero(~is_before & (before[comparisons.person] >= min_history))
    if not len(train):
        raise DataRejected(
            f"Splitting at {cut} leaves {len(train)} training and {len(test)} test comparisons: "
            "collect more, over more days or of more people."
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
        held_out: (L,) True for the lines that are tested.
        background: Sources whose opinions are never asked about, such as what a person declares; they are
            history alone.
        min_history: Number of other opinions that a person needs to be tested.

    Raises:
        DataRejected: No comparison is left to train or to test on.
    """
    compared = ~np.isin(np.array(log.sources, object)[log.source], list(background)) & ~log.is_order
    tested = compared & held_out
    histories = Histories(log.take(np.flatnonzero(~tested)), np.cumsum(~tested) - 1)
    choices = choice_table(log)
    dealt = deal(log, np.flatnonzero(compared & ~held_out), GROUPS, seed)
    train = histories.of_the_rest(*compare_within(log, dealt, choices), dealt)
    of_test = deal(log, np.flatnonzero(tested), 1, seed)
    test = histories.of_all(compare_within(log, of_test, choices)[0], min_history)
    if not len(train) or not len(test):
        raise DataRejected(
            f"Holding out within each person leaves {len(train)} training and "
            f"{len(test)} test comparisons: collect more, or lower split.min_history, or hold out "
            "another share or other sources."
        )
    return split_of(train, test, np.ones(len(histories.log), bool))


def split_of(train: Comparisons, test: Comparisons, may_know: Bools) -> Split:
    """Builds the split, with the offsets of its sources; arguments as the attributes of `Split`.

    An account that many people share may have tens of thousands of events. To keep the cost in proportion to
    events, only the latest MAX_LINES lines of a history are read, and only the latest MAX_COMPARISONS of a
    person are trained on. The latter limit is lower if the mean person has few comparisons, so that nobody
    alone decides what is learnt.
    """
    log = with_source_offsets(train.log, may_know)
    train = train.take(_latest_of_each(train))
    parts = (replace(part, start=np.maximum(part.start, part.stop - MAX_LINES)) for part in (train, test))
    train, test = (replace(part, log=log) for part in parts)
    return Split(train, test, may_know)


def _latest_of_each(comparisons: Comparisons) -> Ints:
    """Selects the latest comparisons of each person, at most MAX_COMPARISONS; returns ascending numbers."""
    count = len(comparisons)
    mean = count / max(1, len(np.unique(comparisons.person)))
    most = min(MAX_COMPARISONS, max(USUAL, TIMES * mean, SHARE * count))
    order = np.lexsort([comparisons.at, comparisons.person])
    counts = np.bincount(comparisons.person)
    ends = np.cumsum(counts)[comparisons.person[order]]
    return np.sort(order[ends - np.arange(len(order)) <= most])


def seeded_share(log: OpinionLog, share: float, seed: int) -> Bools:
    """Marks a random share of each person's opinions, (L,).

    Stated opinions are drawn by person and dish, so that all of a person's opinions on one dish fall on one
    side. Choices are drawn by person and moment. If they were drawn by dish, a held-out dish would be missing
    from the history, which would tell it from its alternatives. Opinions that a later night adds do not move
    the others, so a champion is never tested on opinions that it was trained on.
    """
    moments, moment = np.unique(log.at, return_inverse=True)
    of_person = np.where(log.is_stated, log.dish, len(log.dishes) + moment)
    keys = log.person * (len(log.dishes) + len(moments)) + of_person
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    drawn = []
    for line in first:
        what = log.dishes[log.dish[line]] if log.is_stated[line] else log.at[line]
        name = f"{seed}/{log.people[log.person[line]]}/{what}"
        drawn.append(random.Random(name).random() < share)
    return np.array(drawn, bool)[number]
