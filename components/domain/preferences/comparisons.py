"""Opinions become comparisons in the order of time.

Every comparison's history lies strictly before the opinions that it rests on, so nothing later can leak into
it, and whatever is drawn at random is ordered right half the time. A choice is compared with its alternatives
on the menu; ratings, likes and dislikes of a few days are compared with each other; likes and orders that
nothing else can be compared with are compared with what others liked or ordered at that time. How comparisons
are divided into training and test is `preferences.splits`.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, ranges
from components.domain.preferences.builder import Builder, History, joined, pair_table, unique_keys
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.stated_pairs import block_starts, group_numbers, pairs_that_differ
from components.domain.preferences.tables import Comparisons

OTHERS = 4  # likes or orders of other people that a like or an order is compared with
NEAREST = 200  # likes or orders, up to the end of a day, from which those are drawn


def compare(log: OpinionLog, seed: int, cut: np.datetime64 | None = None) -> Comparisons:
    """Makes comparisons of every opinion that says what was preferred over what.

    Args:
        log: Opinions of all people.
        seed: Seed of the groups of stated opinions and of the others' likes and orders.
        cut: Local day on which the test begins: no comparison rests on opinions from both sides of it.

    Returns:
        Comparisons in the order of people and, for each of them, of time.
    """
    table = joined(_picks(log, seed), _stated(log, seed, cut))
    by_person, key = np.argsort(table.person, kind="stable"), table.key.copy()
    key[by_person] = unique_keys(table.key[by_person])
    return replace(table, key=key).in_order()


def _picks(log: OpinionLog, seed: int) -> Comparisons:
    """Choices against their alternatives, and orders and likes against what others ordered or liked."""
    builder, offers, others = Builder(log), menu_offers(log), _others(log, seed)
    bounds, stops = log.bounds(), moment_starts(log)
    for line in sorted({*offers, *others}):
        history = (int(bounds[log.person[line]]), int(stops[line]), ())
        if line in offers:
            builder.add_choice(line, history, offers[line])
        for other in others.get(line, ()):
            builder.add_pair(line, other, history, other_person=True)
    return builder.draft()


def _stated(log: OpinionLog, seed: int, cut: np.datetime64 | None) -> Comparisons:
    """Stated opinions of a block of days against each other; the history lies before the block."""
    lines = np.flatnonzero(log.is_stated)
    starts = block_starts(log, lines, cut)
    line, other = pairs_that_differ(log, lines, group_numbers(log, lines, starts, seed))
    block = np.searchsorted(lines[starts], line, side="right") - 1
    last = lines[np.append(starts, len(lines))[1:] - 1]
    stop = moment_starts(log)[lines[starts]]
    return pair_table(log, line, other, last[block], log.bounds()[log.person[line]], stop[block])


def moment_starts(log: OpinionLog) -> Ints:
    """(L,) first line of the person at the moment of each line: what lies before it is strictly earlier."""
    starts = changes(log.person) | changes(log.at)
    return np.maximum.accumulate(np.where(starts, np.arange(len(log)), 0)).astype(np.int64)


def menu_offers(log: OpinionLog) -> dict[int, list[int]]:
    """For each choice, by its line, its menu without what else was chosen on the same occasion."""
    choices, menus = np.flatnonzero(log.menu != NO_MENU), log.menus
    menu = log.menu[choices]
    sizes = menus.sizes[menu]
    owner = np.repeat(np.arange(len(choices)), sizes)
    dish = menus.dish[ranges((np.cumsum(menus.sizes) - menus.sizes)[menu], sizes)]
    occasion = moment_starts(log)[choices] * (len(menus.sizes) + 1) + menu  # one person, one moment, one menu
    width = len(log.dishes)
    was_chosen = np.isin(occasion[owner] * width + dish, occasion * width + log.dish[choices])
    stays = ~was_chosen | (dish == log.dish[choices][owner])
    offers: dict[int, list[int]] = {int(line): [] for line in choices}
    for line, number in zip(choices[owner[stays]].tolist(), dish[stays].tolist(), strict=True):
        offers[line].append(number)
    return offers


def add_pairs(
    builder: Builder,
    group: Sequence[int],
    history: History,
    block: Sequence[int],
    one_side: Container[int] | None = None,
) -> None:
    """Adds a comparison for every two stated opinions of a group that differ.

    Args:
        builder: Gets the comparisons.
        group: Lines of one person.
        history: What is known of the person before all of them.
        block: Lines whose days the comparisons rest on.
        one_side: Lines that are compared with the others of the group alone; None to compare all with all.
    """
    if len(group) < 2:
        return
    lines = np.array(group, np.int64)
    pairs = pairs_that_differ(builder.log, lines, np.zeros(len(lines), np.int64))
    for line, other in zip(*(part.tolist() for part in pairs), strict=True):
        if one_side is None or (line in one_side) != (other in one_side):
            builder.add_pair(line, other, history, block=block)


def _others(log: OpinionLog, seed: int) -> Mapping[int, list[int]]:
    """For each order, and each like where nobody states anything else, some of other people's at that time.

    They are drawn by event, so a dish comes as often as it is liked or ordered, and its popularity says
    nothing. A draw is dropped and not drawn again where either person has both dishes on that day, which
    keeps a dish and what it is compared with exchangeable.
    """
    drawn: dict[int, list[int]] = {}
    for pool in (log.is_order, ~log.is_order):
        drawn |= _drawn(log, log.is_free_pick & pool, seed)
    return drawn


def _drawn(log: OpinionLog, pool: Bools, seed: int) -> dict[int, list[int]]:
    lines = np.flatnonzero(pool)
    by_day = lines[np.lexsort([lines, log.day[lines]])]  # and within a day by person
    days, persons = log.day[by_day], log.person[by_day]
    of_day: dict[tuple[int, np.datetime64], set[int]] = {}
    for line in lines.tolist():
        of_day.setdefault((int(log.person[line]), log.day[line]), set()).add(int(log.dish[line]))
    drawn: dict[int, list[int]] = {}
    for person, day in of_day:
        first, end = np.searchsorted(days, day), np.searchsorted(days, day, side="right")
        start, stop = first + np.searchsorted(persons[first:end], [person, person + 1])
        before = by_day[max(0, min(first, end - NEAREST)) : first]
        before = before[log.person[before] != person]
        around = before, by_day[first:start], by_day[stop:end]
        for line in by_day[start:stop].tolist():
            draw = random.Random(f"{seed}/{log.people[person]}/{log.at[line]}/{log.dishes[log.dish[line]]}")
            some = _sample(around, draw)
            drawn[line] = [other for other in some if _have_one_each(log, line, other, of_day)]
    return drawn


def _sample(parts: Sequence[Ints], draw: random.Random) -> list[int]:
    """OTHERS of the lines in these parts, or all if there are fewer; takes no longer for more lines."""
    ends = list(itertools.accumulate(map(len, parts)))
    numbers = draw.sample(range(ends[-1]), min(OTHERS, ends[-1]))
    of = ((number, bisect.bisect_right(ends, number)) for number in numbers)
    return [int(parts[part][number - ends[part]]) for number, part in of]  # counted from the part's end


def _have_one_each(
    log: OpinionLog, line: int, other: int, of_day: Mapping[tuple[int, np.datetime64], set[int]]
) -> bool:
    """Whether neither person has the other's dish on their day; the rule is the same for both."""
    one_day, other_day = (of_day[int(log.person[each]), log.day[each]] for each in (line, other))
    return int(log.dish[other]) not in one_day and int(log.dish[line]) not in other_day
