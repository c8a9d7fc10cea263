"""Pairs of stated opinions to compare: within a block of days, in groups, each two that differ."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, ranges
from components.domain.preferences.opinion_log import OpinionLog

BLOCK = 4  # least number of stated opinions in a block of days, unless the person has fewer left
GROUP_SIZE = 12  # largest number of stated opinions compared with each other: pairs grow with the square


def block_starts(log: OpinionLog, lines: Ints, cut: np.datetime64 | None) -> Ints:
    """Finds the positions in `lines` at which blocks begin.

    A block is the smallest number of whole days of a person that hold BLOCK opinions. Later days change a
    person's last block alone.

    Args:
        lines: (N,) lines of the stated opinions, ascending.
        cut: Local day on which a block must end and another begin.
    """
    days, count = log.day[lines], len(lines)
    is_other = changes(log.person[lines])
    is_fence = is_other.copy()
    if cut is not None:
        is_fence[1:] |= (days[:-1] < cut) & (days[1:] >= cut)
    new_days = np.append(np.flatnonzero(is_other | changes(days)), count)
    fences = np.append(np.flatnonzero(is_fence), count)
    every = np.arange(count)
    full = new_days[np.searchsorted(new_days, np.minimum(every + BLOCK, count))]
    ends = np.minimum(full, fences[np.searchsorted(fences, every, side="right")]).tolist()
    starts, start = [], 0
    while start < count:
        starts.append(start)
        start = ends[start]  # of a block that begins here
    return np.array(starts, np.int64)


def groups(lines: Sequence[int], fewest: int, seed: str) -> list[list[int]]:
    """Deals lines at random into as few groups of at most GROUP_SIZE as possible, but at least `fewest`."""
    count = max(fewest, -(-len(lines) // GROUP_SIZE))
    deck = list(lines)
    random.Random(seed).shuffle(deck)
    return [group for group in (deck[start::count] for start in range(count)) if group]


def group_numbers(log: OpinionLog, lines: Ints, starts: Ints, seed: int) -> Ints:
    """Numbers the group of each opinion, (N,), ascending with its block; see `groups`.

    Args:
        lines: (N,) lines of the stated opinions, ascending.
        starts: Positions in `lines` at which blocks begin.
    """
    sizes = np.diff(starts, append=len(lines))
    dealt = np.zeros(len(lines), np.int64)
    for start, size in zip(
        starts[sizes > GROUP_SIZE].tolist(), sizes[sizes > GROUP_SIZE].tolist(), strict=True
    ):
        line = lines[start]
        of_block = f"{seed}/{log.people[log.person[line]]}/{log.day[line]}"
        for number, group in enumerate(groups(range(start, start + size), 1, of_block)):
            dealt[group] = number
    return np.repeat(np.arange(len(starts)), sizes) * len(lines) + dealt


def pairs_that_differ(log: OpinionLog, lines: Ints, group: Ints) -> tuple[Ints, Ints]:
    """Pairs each two opinions of a group that differ.

    Only the latest opinion of a source on a dish counts. It is ordered as if it stood at the first one's
    line.

    Args:
        lines: (N,) lines of stated opinions; a group holds opinions of one person.
        group: (N,) number of each line's group.

    Returns:
        Lines of the preferred dishes and lines of the other dishes, in the order of groups and then of lines.
    """
    order = np.lexsort([lines, log.dish[lines], log.source[lines], group])
    lines, group = lines[order], group[order]
    firsts = np.flatnonzero(changes(group) | changes(log.source[lines]) | changes(log.dish[lines]))
    latest, group = lines[np.append(firsts, len(lines))[1:] - 1], group[firsts]
    order = np.lexsort([lines[firsts], group])
    latest, group = latest[order], group[order]
    starts = np.flatnonzero(changes(group))
    sizes = np.diff(starts, append=len(group))
    size_of_each = np.repeat(sizes, sizes)
    line = np.repeat(latest, size_of_each)
    other = latest[ranges(np.repeat(starts, sizes), size_of_each)]
    differ = _is_preferred(log, line, other)
    return line[differ], other[differ]


def _is_preferred(log: OpinionLog, lines: Ints, others: Ints) -> Bools:
    """Marks where the first dish was liked more than the second, (N,).

    Only opinions of one source are compared, since each source has a scale of its own. Ratings are compared
    where both were stated, else verdicts.
    """
    rating, other_rating = log.rating[lines], log.rating[others]
    is_rated = ~np.isnan(rating) & ~np.isnan(other_rating)
    more = np.where(is_rated, rating > other_rating, log.verdict[lines] > log.verdict[others])
    same_source = log.source[lines] == log.source[others]
    return np.asarray(more & same_source & (log.dish[lines] != log.dish[others]))
