"""How popular a dish is with everybody, which is what a service goes by where nothing is known of a person.

People are counted, not lines: what a person says of a dish again shares the weight of what they said first.
Choices are counted as the rival `popularity` counts them: a dish wins a menu or loses it, and where menus had
two dishes its odds are the same. With larger menus a dish starts from the share that wins, in place of a
half, so that one that was hardly offered does not stand above nearly all others.
An opinion counts as much as one offer or two: likes as frequent as usual leave a dish where it is, and k
people move one that n were offered by at most 2k / (n + 2k).

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
EVEN = 0.5  # highest share that it starts with: one like of one is no better than 90 of 100


@dataclass(frozen=True)
class Popularity:
    """How popular a dish is.

    Attributes:
        share: Of those who were offered the dish (of large menus, in a sample), who chose it; where nobody
            chooses from menus, of the opinions of it, the likes and orders. Smoothed, and moved by what is
            known of the other kind.
        opinions: Number of people with an opinion, which decides between equal shares.
    """

    share: float
    opinions: int


def popularities(log: OpinionLog) -> dict[str, Popularity]:
    """The popularity of each dish of the log; one of which nothing is known stands where all others begin.

    Args:
        log: Opinions of all people. One that a later one replaces counts for nothing.
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
    """The share of a dish of which nothing is known."""
    return min(EVEN, float(won.sum() + 1) / float(offers.sum() + START))
