"""Picks (orders and likes) compared with other people's, where nothing says what a dish was preferred to.

Single picks are drawn, so a dish is drawn as often as it is liked or ordered, and its popularity alone does
not win comparisons. Repeated picks of a dish by one person on one day count as one, so that nobody becomes
everybody's other pick by ordering again. A draw is dropped, and not repeated, if either person picked both
dishes on that day. This keeps the two dishes of a pair exchangeable. Each day's draws have a seed of their
own, so later days change nothing.
"""

from __future__ import annotations

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, distinct_numbers
from components.domain.preferences.opinion_log import OpinionLog

OTHERS = 4  # picks of other people that a pick is compared with
NEAREST = 200  # number of latest picks, up to the end of a day, to draw from where the day has fewer
NOBODY = -1


def pairs_with_others(log: OpinionLog, seed: int) -> tuple[Ints, Ints]:
    """Draws for each pick some picks of other people from around that time.

    Orders are compared with orders, likes with likes. Likes are picks only where nobody states anything else.

    Returns:
        (Q,) lines of picks, and (Q,) lines of the other people's picks.
    """
    pools = log.is_order, ~log.is_order
    drawn = [_pairs_of(log, np.flatnonzero(log.is_free_pick & pool), seed) for pool in pools]
    line, other = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return line, other


def _pairs_of(log: OpinionLog, picks: Ints, seed: int) -> tuple[Ints, Ints]:
    day = np.unique(log.day[picks], return_inverse=True)[1]
    key = (log.person[picks] * (int(day.max(initial=0)) + 1) + day) * len(log.dishes) + log.dish[picks]
    picks = np.sort(picks[np.unique(key, return_index=True)[1]])
    by_day = picks[np.lexsort([picks, log.day[picks]])]  # and within a day by person
    days, person = log.day[by_day], log.person[by_day]
    starts = np.flatnonzero(changes(days))
    drawn = [np.empty((0, OTHERS), np.int64)]
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(by_day)], strict=False):
        draw = np.random.default_rng([seed % 2**32, int(days[first].astype(np.int64)) % 2**32])
        drawn.append(_drawn(person, first, end, draw))
    position = np.concatenate(drawn).ravel()
    some = position != NOBODY
    line, other = np.repeat(by_day, OTHERS)[some], by_day[position[some]]
    stays = ~(_has(log, picks, line, other) | _has(log, picks, other, line))
    return line[stays], other[stays]


def _drawn(person: Ints, first: int, end: int, draw: np.random.Generator) -> Ints:
    """Draws other people's picks for each of a day's N picks.

    They are drawn from the day, and from the days before it if the day has fewer than NEAREST picks.

    Args:
        first: Position of the day's first pick.
        end: Position behind the day's last pick.

    Returns:
        (N, OTHERS) positions of picks; NOBODY where too few other people's picks are there.
    """
    low = max(0, min(first, end - NEAREST))
    around, of_day = person[low:end], person[first:end]
    order = np.argsort(around, kind="stable")
    persons = around[order]
    begins = np.searchsorted(persons, of_day)
    sizes = np.searchsorted(persons, of_day, side="right") - begins
    number = distinct_numbers(len(around) - sizes, OTHERS, draw)  # among the picks of others
    # A person's pick of rank i at position p has p - i picks of others before it.
    before = order - (np.arange(len(order)) - np.searchsorted(persons, persons))
    width = len(around) + 1
    skipped = np.searchsorted(persons * width + before, of_day[:, None] * width + number, side="right")
    return np.where(number == NOBODY, NOBODY, low + number + skipped - begins[:, None])


def _has(log: OpinionLog, picks: Ints, line: Ints, other: Ints) -> Bools:
    """Tells whether the person of each line also picked the other line's dish on the line's day, (Q,)."""
    days, day = np.unique(log.day, return_inverse=True)
    key, width = log.person * len(days) + day, len(log.dishes)
    return np.isin(key[line] * width + log.dish[other], key[picks] * width + log.dish[picks])
