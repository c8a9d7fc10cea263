"""How popular a dish is with everybody; the service ranks by popularity where it knows nothing of a person.

People are counted, not lines: a person's repeated opinions on a dish share the weight of one. Choices are
counted as the rival `popularity` counts them: a dish wins a menu or loses it. With menus of two dishes the
odds are the rival's. With larger menus a dish starts from the usual share of wins in place of a half, so that
a dish that was hardly offered does not stand above nearly all others. Beside menus an opinion weighs as much
as one offer or two. A dish with the usual share of likes stays where it is. Opinions of k people move a dish
that was offered to n people by at most 2k / (n + 2k).

Shapes: D dishes of the log.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Floats, share_of_occasion, sums
from components.domain.preferences.comparison_tables import choice_table
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.records import LIKED

START = 2.0  # offers or opinions that a dish starts with, as in the rival
EVEN = 0.5  # highest share that a dish starts with: one like of one is not better than 90 of 100


@dataclass(frozen=True)
class Popularity:
    """How popular a dish is.

    Attributes:
        share: Share of the people offered the dish who chose it, smoothed and moved by opinions; large menus
            are sampled. Where nobody chooses from menus, the smoothed share of likes and orders among the
            opinions on the dish.
        opinions: Number of people with an opinion on the dish, which decides between equal shares.
    """

    share: float
    opinions: int


def popularities(log: OpinionLog) -> dict[str, Popularity]:
    """Computes the popularity of each dish of the log; without opinions a dish keeps its starting share.

    Args:
        log: Opinions of all people. Opinions that a later one replaces are ignored.
    """
    count, stays = len(log.dishes), log.replaced_by == len(log)
    choices, line = choice_table(log)
    owner, at = choices.owner, choices.chosen_at
    moment = np.unique(choices.at, return_inverse=True)[1]
    weight = share_of_occasion(choices.person[owner], choices.offered, moment[owner])
    chosen = sums(log.dish[line], weight[at], count)
    passed_over = sums(choices.offered, weight, count) - chosen
    others = np.flatnonzero(stays & (log.menu == NO_MENU))
    person, dish = log.person[others], log.dish[others]
    weight = share_of_occasion(person, dish, others)
    opinions = sums(dish, weight, count)
    likes = sums(dish, weight * (log.verdict[others] == LIKED), count)
    usual = _start(likes, opinions)
    start = _start(chosen, chosen + passed_over) if len(choices) else usual
    usual = max(start, usual)  # so a like weighs no more than an offer
    won = chosen + likes * start / usual + START * start
    lost = passed_over + (opinions - likes) * (1 - start) / (1 - usual) + START * (1 - start)
    shares = np.round(won / (won + lost), 12).tolist()
    people = np.unique(log.person[stays] * count + log.dish[stays]) % max(1, count)
    numbers = np.bincount(people, minlength=count).tolist()
    return dict(zip(log.dishes, map(Popularity, shares, numbers), strict=True))


def _start(won: Floats, offers: Floats) -> float:
    """Computes the share that a dish starts with: the mean of all dishes, smoothed, and at most EVEN."""
    return min(EVEN, float(won.sum() + 1) / float(offers.sum() + START))
