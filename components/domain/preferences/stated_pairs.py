"""Which stated opinions are compared: those of a block of days, in groups, every two that differ."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, ranges
from components.domain.preferences.opinion_log import OpinionLog

BLOCK = 4  # stated opinions that a block of days has at least, unless there are no more
GROUP_SIZE = 12  # stated opinions at most compared with each other: pairs grow with the square


def block_starts(log: OpinionLog, lines: Ints, cut: np.datetime64 | None) -> Ints:
    """Positions in `lines` at which blocks begin: whole days of a person, as few as hold BLOCK opinions.

    A block never changes when later days come, but for a person's last one.

    Args:
        log: Opinions of all people.
        lines: (N,) the stated ones, ascending.
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
    """The lines dealt at random into as few groups as hold GROUP_SIZE each, but at least `fewest`."""
    count = max(fewest, -(-len(lines) // GROUP_SIZE))
    deck = list(lines)
    random.Random(seed).shuffle(deck)
    return [group for group in (deck[start::count] for start in range(count)) if group]


def group_numbers(log: OpinionLog, lines: Ints, starts: Ints, seed: int) -> Ints:
    """(N,) number of each opinion's group, ascending with its block: see `groups`.

    Args:
        log: Opinions of all people.
        lines: (N,) the stated ones, ascending.
        starts: Positions in `lines` at which blocks begin.
        seed: Seed of all groups.
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
    """Lines of the preferred dish and of the other one, for every two opinions of a group that differ.

    Of what a source says of one dish the latest counts; it stands where the first one stood.

    Args:
        log: Opinions of all people.
        lines: (N,) stated ones, those of a group of one person.
        group: (N,) number of each one's group.

    Returns:
        Pairs in the order of groups, and within them of lines.
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
    """(N,) True where the first dish was liked more than the second, if they can be compared.

    Each source has a scale of its own. Ratings are compared where both were stated, else verdicts.
    """
    rating, other_rating = log.rating[lines], log.rating[others]
    is_rated = ~np.isnan(rating) & ~np.isnan(other_rating)
    more = np.where(is_rated, rating > other_rating, log.verdict[lines] > log.verdict[others])
    same_source = log.source[lines] == log.source[others]
    return np.asarray(more & same_source & (log.dish[lines] != log.dish[others]))
