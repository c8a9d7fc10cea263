"""Turns opinions into comparisons, in the order of time.

The history of a comparison lies strictly before the opinions that the comparison rests on, so that nothing
later leaks into it. Random scores order half the pairs rightly. A choice is compared with its alternatives on
the menu. Ratings, likes and dislikes of a few days are compared with each other. Orders, and likes where
nobody states anything else, are compared with what other people ordered or liked at that time. How
comparisons are divided into training and test is described in `preferences.splits`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from components.domain.preferences.arrays import Ints
from components.domain.preferences.comparison_tables import choice_table, joined, pair_table, unique_keys
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.others_picks import pairs_with_others
from components.domain.preferences.stated_pairs import block_starts, group_numbers, pairs_that_differ
from components.domain.preferences.tables import Comparisons


def compare(log: OpinionLog, seed: int, cut: np.datetime64 | None = None) -> Comparisons:
    """Builds comparisons from all opinions that say which dish was preferred to which.

    Args:
        seed: Seed of the groups of stated opinions, and of the draws of other people's likes and orders.
        cut: Local day on which the test begins; no comparison rests on opinions from both sides of it.

    Returns:
        Comparisons in the order of people and, for each of them, of time.
    """
    choices, line = choice_table(log)
    pick, other = pairs_with_others(log, seed)
    picks = pair_table(log, pick, other, pick)
    table = joined(
        _known_before(choices, line), _known_before(picks, pick), _stated(log, seed, cut)
    ).in_order()
    return replace(table, key=unique_keys(table.key))


def _known_before(table: Comparisons, line: Ints) -> Comparisons:
    """Sets each comparison's history to its person's opinions before the moment of `line`, (Q,)."""
    log = table.log
    return replace(table, start=log.bounds()[table.person], stop=log.moment_starts[line])


def _stated(log: OpinionLog, seed: int, cut: np.datetime64 | None) -> Comparisons:
    """Compares stated opinions of a block of days with each other; the history lies before the block."""
    lines = np.flatnonzero(log.is_stated)
    starts = block_starts(log, lines, cut)
    line, other = pairs_that_differ(log, lines, group_numbers(log, lines, starts, seed))
    block = np.searchsorted(lines[starts], line, side="right") - 1
    last = lines[np.append(starts, len(lines))[1:] - 1]
    return _known_before(pair_table(log, line, other, last[block]), lines[starts][block])
