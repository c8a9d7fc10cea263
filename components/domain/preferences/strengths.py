"""How strongly an opinion speaks for a dish, and what training may know of each person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.tables import Questions

SOURCE_PRIOR = 10  # ratings at which a source's mean counts half against the mean of all sources
MAX_PRIOR = 1000.0  # where people's means do not differ beyond chance, each is taken for everybody's


@dataclass(frozen=True)
class RatingScale:
    """How ratings become strengths.

    Attributes:
        mean: Mean rating.
        prior: Number of ratings that the mean of all counts for in a person's mean.
        spread: Standard deviation of ratings around their person's mean.
    """

    mean: float = 0.0
    prior: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True, eq=False)
class Opinions:
    """Groups of opinions, one group after the other; a group is a history, or all that is known of a person.

    Attributes:
        dish: (N,) index into the log's dishes.
        verdict: (N,) LIKED, NEUTRAL or DISLIKED.
        rating: (N,) ratings less the offset of their source; NaN where none was stated.
        menu: (N,) number of the menu that a dish was picked from; the number of menus for a pick among all
            dishes; NO_MENU for what is no pick.
        sizes: (G,) number of opinions in each group.
        weight: (N,) how much each pick counts; 1 where there is none.
    """

    dish: Ints
    verdict: Ints
    rating: Floats
    menu: Ints
    sizes: Ints
    weight: Floats | None = None

    @property
    def weights(self) -> Floats:
        """(N,) how much each pick counts."""
        return np.ones(len(self.dish)) if self.weight is None else self.weight

    @property
    def group(self) -> Ints:
        """(N,) number of the group."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def without(self, dishes: Ints) -> Opinions:
        """The same groups without opinions on these dishes."""
        rest = ~np.isin(self.dish, dishes)
        sizes = np.bincount(self.group[rest], minlength=len(self.sizes))
        rating, menu, weight = self.rating[rest], self.menu[rest], self.weights[rest]
        return Opinions(self.dish[rest], self.verdict[rest], rating, menu, sizes, weight)

    def strengths(self, scale: RatingScale) -> Floats:
        """(N,) how much a dish was liked: its verdict, or its rating less the group's mean, over the spread.

        A group's mean is shrunk to the mean of all, so a single rating says something by itself.
        """
        rated, group = ~np.isnan(self.rating), self.group
        counts = np.bincount(group[rated], minlength=len(self.sizes))
        sums = np.bincount(group[rated], self.rating[rated], minlength=len(self.sizes))
        means = (sums + scale.prior * scale.mean) / np.maximum(counts + scale.prior, 1e-9)
        return np.where(rated, (self.rating - means[group]) / scale.spread, self.verdict)


def histories(questions: Questions) -> Opinions:
    """The history of each question."""
    return _opinions(questions.log, questions.lines.line, questions.lines.sizes)


def known_opinions(log: OpinionLog, may_know: Bools) -> Opinions:
    """For each person of the log the opinions that training may know; a replaced one counts no more.

    A person's picks are divided by how often they picked the dish that they picked most, so no dish gets more
    than one pick of a person and their proportions stay.

    Args:
        log: Opinions of all people.
        may_know: (L,) True for the lines that training may read.
    """
    lines = _lasting(log, may_know)
    opinions = _opinions(log, lines, np.bincount(log.person[lines], minlength=len(log.people)))
    picked, person = opinions.menu != NO_MENU, opinions.group
    pair = np.unique(person[picked] * len(log.dishes) + opinions.dish[picked], return_inverse=True)[1]
    most = np.ones(len(log.people))
    np.maximum.at(most, person[picked], np.bincount(pair)[pair] if len(pair) else 1)
    return replace(opinions, weight=np.where(picked, 1 / most[person], 1.0))


def _lasting(log: OpinionLog, may_know: Bools) -> Ints:
    """The lines that training may read and that no other such line replaces."""
    is_replaced = np.append(may_know, False)[log.replaced_by]
    return np.flatnonzero(may_know & ~is_replaced)


def _opinions(log: OpinionLog, lines: Ints, sizes: Ints) -> Opinions:
    rating = log.rating[lines] - log.offset[log.source[lines]]
    menu = np.where(log.is_free_pick, len(log.menus.sizes), log.menu)[lines]
    return Opinions(log.dish[lines], log.verdict[lines], rating, menu, sizes)


def with_source_offsets(log: OpinionLog, may_know: Bools) -> OpinionLog:
    """The log with the difference of each source's mean rating from the mean of all, shrunk to zero.

    Args:
        log: Opinions of all people.
        may_know: (L,) True for the lines that training may read.
    """
    lines = _lasting(log, may_know)
    rated = lines[~np.isnan(log.rating[lines])]
    counts = np.bincount(log.source[rated], minlength=len(log.sources))
    sums = np.bincount(log.source[rated], log.rating[rated], minlength=len(log.sources))
    mean = sums.sum() / max(1, len(rated))
    return replace(log, offset=(sums - counts * mean) / (counts + SOURCE_PRIOR))


def rating_scale(opinions: Opinions) -> RatingScale:
    """The scale of ratings: mean, spread around people's means, and how far these differ beyond chance.

    The prior is the ratio of both variances (empirical Bayes), so it is never set by hand.
    """
    rated = ~np.isnan(opinions.rating)
    ratings, group = opinions.rating[rated], opinions.group[rated]
    if not len(ratings):
        return RatingScale()
    counts = np.bincount(group, minlength=len(opinions.sizes))
    people = np.flatnonzero(counts)
    means = np.bincount(group, ratings, minlength=len(opinions.sizes))[people] / counts[people]
    mean, size = float(means.mean()), len(ratings) / len(people)
    residual = ratings - np.repeat(means, counts[people])
    within = float((residual**2).sum() / max(1, len(ratings) - len(people)))
    between = float(means.var()) - within / size
    prior = min(MAX_PRIOR, within / between) if between > 0 else MAX_PRIOR
    return RatingScale(mean, prior, within**0.5 or 1.0)
