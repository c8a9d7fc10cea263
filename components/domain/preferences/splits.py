"""How comparisons are divided into training and test: by time, or within each person.

Within a person, some of their opinions are held out and the rest is their history: for data without real
times (a survey, ratings collected at once). Training asks the same in small: the other opinions are dealt
into groups, and each group is asked about with the rest as history.
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
USUAL, TIMES, SHARE = 100, 10, 0.01  # up to the largest of: so many, times the mean person's, share of all
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


def split_by_time(comparisons: Comparisons, cut: np.datetime64, min_history: int) -> Split:
    """Holds out what is said from a day on.

    Args:
        comparisons: Of all people.
        cut: Local day on which the test begins; no comparison rests on opinions from both sides of it.
        min_history: A person is tested if they have at least this many comparisons before the cut.

    Raises:
        DataRejected: Nobody to train on.
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
    """The split with the offsets of its sources; arguments as the attributes of `Split`.

    One account that many people share may have tens of thousands of events: of a history the latest MAX_LINES
    are read, and of a person the latest MAX_COMPARISONS are trained on, so that cost follows events. Beside
    others a person has fewer, so that nobody alone decides what is learnt.
    """
    log = with_source_offsets(train.log, may_know)
    train = train.take(_latest_of_each(train))
    parts = (replace(part, start=np.maximum(part.start, part.stop - MAX_LINES)) for part in (train, test))
    train, test = (replace(part, log=log) for part in parts)
    return Split(train, test, may_know)


def _latest_of_each(comparisons: Comparisons) -> Ints:
    """Numbers of the comparisons, ascending, at most MAX_COMPARISONS of a person, or fewer beside others."""
    count = len(comparisons)
    mean = count / max(1, len(np.unique(comparisons.person)))
    most = min(MAX_COMPARISONS, max(USUAL, TIMES * mean, SHARE * count))
    order = np.lexsort([comparisons.at, comparisons.person])
    counts = np.bincount(comparisons.person)
    ends = np.cumsum(counts)[comparisons.person[order]]
    return np.sort(order[ends - np.arange(len(order)) <= most])


def seeded_share(log: OpinionLog, share: float, seed: int) -> Bools:
    """(L,) True for a random share of each person's opinions.

    Stated opinions are drawn for each person and dish, so a dish judged twice stands on one side; choices for
    each person and moment, since a dish that is never in the history would be told from its alternatives.
    What a later night adds moves nothing: a champion is never tested on what it was trained on.
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
