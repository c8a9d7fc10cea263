"""What choices were made from: a menu, or of a large one a sample, which keeps the cost with the choices.

All alternatives are equally likely to be drawn. A day's draws have a seed of their own: later days change
nothing. Shapes: L lines of the log, D dishes, N choices, M menus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, changes, distinct_numbers, ranges
from components.domain.preferences.opinion_log import Menus, OpinionLog

MOST_ALTERNATIVES = 20  # of a menu, that a choice is compared with


@dataclass(frozen=True, eq=False)
class Offers:
    """The dishes that choices were made from, one choice after the other, in the order of their menus.

    Attributes:
        dish: The dishes.
        sizes: (N,) how many each choice has, the chosen dish among them.
    """

    dish: Ints
    sizes: Ints

    @property
    def owner(self) -> Ints:
        """The choice of each dish."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def only(self, stays: Bools) -> Offers:
        """Some of the dishes."""
        return Offers(self.dish[stays], np.bincount(self.owner[stays], minlength=len(self.sizes)))


def offers_of(log: OpinionLog, choices: Ints, counts: Bools) -> Offers:
    """The dishes that each choice was made from, without what else its person chose then from the menu.

    Args:
        log: Opinions of all people.
        choices: (N,) lines of choices of dishes that count.
        counts: (D,) True for the dishes that count, as if no other had been on a menu.
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
    """The offers without what else was chosen by that person, at that moment, from that menu."""
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
    """The menus as if no other dishes had been on them."""
    stays = counts[menus.dish]
    owner = np.repeat(np.arange(len(menus.sizes)), menus.sizes)
    return Menus(menus.ids, menus.dish[stays], np.bincount(owner[stays], minlength=len(menus.sizes)))


def _samples(log: OpinionLog, choices: Ints, menus: Menus) -> Ints:
    """(N, MOST_ALTERNATIVES + 1) positions on the menu of each choice, ascending, its own among them."""
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
    """(N,) where each dish stands on its menu."""
    width = int(menus.dish.max()) + 1
    keys = np.repeat(np.arange(len(menus.sizes)), menus.sizes) * width + menus.dish
    order = np.argsort(keys)
    at = order[np.searchsorted(keys, menu * width + dish, sorter=order)]
    return np.asarray(at - (np.cumsum(menus.sizes) - menus.sizes)[menu])
