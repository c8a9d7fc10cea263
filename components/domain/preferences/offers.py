"""The dishes that choices were made from: a whole menu, or a sample of a large one.

A sample keeps the cost in proportion to the number of choices. All alternatives are equally likely to be
drawn. Each day's draws have a seed of their own, so later days change nothing. Shapes: L lines of the log, D
dishes, N choices, M menus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, distinct_numbers, ranges
from components.domain.preferences.opinion_log import Menus, OpinionLog

MOST_ALTERNATIVES = 20  # dishes of a menu that a choice is compared with at most


@dataclass(frozen=True, eq=False)
class Offers:
    """The dishes that choices were made from, one choice after the other, in the order of each menu.

    Attributes:
        dish: Index of each dish into the log's dishes.
        sizes: (N,) number of dishes of each choice, the chosen dish included.
    """

    dish: Ints
    sizes: Ints

    @property
    def owner(self) -> Ints:
        """The number of the choice that each dish belongs to."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def only(self, stays: Bools) -> Offers:
        """Keeps the marked dishes."""
        return Offers(self.dish[stays], np.bincount(self.owner[stays], minlength=len(self.sizes)))


def offers_of(log: OpinionLog, choices: Ints, counts: Bools) -> Offers:
    """Lists the dishes that each choice was made from.

    Other dishes that the same person chose at the same moment from the same menu are left out.

    Args:
        choices: (N,) lines of choices of dishes that count.
        counts: (D,) True for the dishes that count; menus are read as if they had no others.
    """
    menus, menu = _with(log.menus, counts), log.menu[choices]
    starts = np.cumsum(menus.sizes) - menus.sizes
    sizes = np.minimum(menus.sizes[menu], MOST_ALTERNATIVES + 1)
    position = ranges(starts[menu], sizes)
    large = np.flatnonzero(menus.sizes[menu] > MOST_ALTERNATIVES + 1)
    if len(large):
        begins = (np.cumsum(sizes) - sizes)[large]
        samples = starts[menu[large], None] + _samples(log, choices[large], menus)
        position[begins[:, None] + np.arange(MOST_ALTERNATIVES + 1)] = samples
    return _one_an_occasion(log, choices, Offers(menus.dish[position], sizes))


def _one_an_occasion(log: OpinionLog, choices: Ints, offers: Offers) -> Offers:
    """Drops from each offer the other dishes that its person chose at that moment from that menu."""
    occasions = log.moment_starts[choices] * (len(log.menus.sizes) + 1) + log.menu[choices]
    occasion, number = np.unique(occasions, return_inverse=True, return_counts=True)[1:]
    several = number[occasion] > 1
    if not several.any():
        return offers
    owner, width, chosen = offers.owner, len(log.dishes), log.dish[choices]
    at = np.flatnonzero(several[owner])
    dish = offers.dish[at]
    is_chosen = np.isin(occasion[owner[at]] * width + dish, occasion[several] * width + chosen[several])
    stays = np.ones(len(owner), bool)
    stays[at] = ~is_chosen | (dish == chosen[owner[at]])
    return offers.only(stays)


def _with(menus: Menus, counts: Bools) -> Menus:
    """Removes the dishes that do not count from all menus."""
    stays = counts[menus.dish]
    owner = np.repeat(np.arange(len(menus.sizes)), menus.sizes)
    return Menus(menus.ids, menus.dish[stays], np.bincount(owner[stays], minlength=len(menus.sizes)))


def _samples(log: OpinionLog, choices: Ints, menus: Menus) -> Ints:
    """Draws positions on each choice's menu, (N, MOST_ALTERNATIVES + 1), ascending, with the chosen one."""
    menu, days = log.menu[choices], log.day[choices]
    chosen_at = _positions(menus, menu, log.dish[choices])
    samples = np.empty((len(choices), MOST_ALTERNATIVES + 1), np.int64)
    by_day = np.argsort(days, kind="stable")
    for of_day in np.split(by_day, np.flatnonzero(changes(days[by_day]))[1:]):
        draw = np.random.default_rng(int(days[of_day[0]].astype(np.int64)) % 2**32)
        others = distinct_numbers(menus.sizes[menu[of_day]] - 1, MOST_ALTERNATIVES, draw)
        others += others >= chosen_at[of_day, None]
        samples[of_day] = np.sort(np.column_stack([others, chosen_at[of_day]]), axis=1)
    return samples


def _positions(menus: Menus, menu: Ints, dish: Ints) -> Ints:
    """Finds the position of each dish on its menu, (N,)."""
    width = int(menus.dish.max()) + 1
    keys = np.repeat(np.arange(len(menus.sizes)), menus.sizes) * width + menus.dish
    order = np.argsort(keys)
    at = order[np.searchsorted(keys, menu * width + dish, sorter=order)]
    return np.asarray(at - (np.cumsum(menus.sizes) - menus.sizes)[menu])
