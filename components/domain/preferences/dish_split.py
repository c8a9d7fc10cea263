"""Splits that hide dishes from everybody: how good is a model on a dish that is new?

Opinions on a hidden dish are neither trained on nor part of any history. Times are ignored: a history holds a
person's opinions on the other dishes, whenever they were stated. The test compares hidden dishes with each
other. A second part, shown beside it, compares hidden dishes with dishes that training has read. For this
part some of each person's opinions on dishes that training reads are held out as well: training and histories
must not contain an opinion that the test asks about.
"""

from __future__ import annotations

import random

import numpy as np

from components.domain.errors import DataRejected
from components.domain.preferences.arrays import Bools
from components.domain.preferences.comparison_tables import choice_table, joined
from components.domain.preferences.held_out_groups import Groups, Histories, compare_within, deal
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import GROUPS, Split, seeded_share, split_of
from components.domain.preferences.tables import Comparisons

BESIDE_SHARE = 0.125  # of opinions, on which new dishes are compared with others


def dish_fold(log: OpinionLog, share: float, fold: int, seed: int) -> Bools:
    """Marks the dishes of one of `1 / share` folds, (D,); a dish stays in its fold when others come.

    Args:
        share: Share of the dishes that is hidden.
        fold: Number of the fold; folds beyond the last begin again with the first.
    """
    count = max(2, round(1 / share))
    drawn = [random.Random(f"{seed}/{dish}").randrange(count) for dish in log.dishes]
    return np.asarray(np.array(drawn) == fold % count)


def split_by_dish(
    log: OpinionLog, hidden: Bools, background: frozenset[str], min_history: int, seed: int
) -> Split:
    """Hides dishes from everybody.

    Args:
        hidden: (D,) True for the dishes that are tested.
        background: Sources whose opinions are never asked about; they are history alone.
        min_history: Number of opinions on other dishes that a person needs to be tested.

    Raises:
        DataRejected: No comparison is left to train or to test on.
    """
    is_new = hidden[log.dish]
    compared = ~np.isin(np.array(log.sources, object)[log.source], list(background)) & ~log.is_order
    is_beside = seeded_share(log, BESIDE_SHARE, seed) & compared
    is_read = ~is_new & ~is_beside
    histories = Histories(log.take(np.flatnonzero(is_read)), np.cumsum(is_read) - 1)
    dealt = deal(log, np.flatnonzero(compared & is_read), GROUPS, seed)
    train = histories.of_the_rest(*compare_within(log, dealt, choice_table(log, ~hidden)), dealt)
    of_new = deal(log, np.flatnonzero(compared & is_new), 1, seed)
    among_new = compare_within(log, of_new, choice_table(log, hidden))[0]
    table = joined(
        among_new, _across(log, hidden, is_beside, deal(log, np.flatnonzero(compared & ~is_read), 1, seed))
    )
    test = histories.of_all(table.take(np.argsort(table.person, kind="stable")), max(1, min_history))
    if not len(train) or not len(test):
        raise DataRejected(
            f"Hiding {int(hidden.sum())} of {len(hidden)} dishes leaves {len(train)} training and "
            f"{len(test)} test comparisons: collect more, or hide another share (split.test_share) or "
            "another fold (split.fold), or lower split.min_history."
        )
    return split_of(train, test, np.ones(len(histories.log), bool))


def _across(log: OpinionLog, hidden: Bools, is_beside: Bools, dealt: Groups) -> Comparisons:
    """Compares new dishes with dishes that training has read.

    Choices of new and of other dishes are drawn at the same rate. Otherwise being new would give the chosen
    dish away.
    """
    choices, line = choice_table(log)
    some = np.flatnonzero(is_beside[line])
    table = compare_within(log, dealt, (choices.take(some), line[some]))[0]
    new = np.bincount(table.owner, hidden[table.offered], minlength=len(table))
    return table.take(np.flatnonzero((new > 0) & (new < table.sizes)))


def only_new(split: Split) -> Bools:
    """Marks the test comparisons whose dishes are all absent from training and from histories, (Q,)."""
    test, log = split.test, split.test.log
    is_read = np.zeros(len(log.dishes), bool)
    is_read[split.train.offered] = True
    is_read[log.dish] = True
    return np.asarray(np.bincount(test.owner, is_read[test.offered], minlength=len(test)) == 0)
