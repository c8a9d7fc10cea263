"""How strongly an opinion speaks for a dish, and what training may know of each person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.tables import Questions

SOURCE_PRIOR = 10  # ratings at which a source's mean counts half against the mean of all sources
MAX_PRIOR = 1000.0  # where people's means do not differ beyond chance: each is then taken for everybody's


@dataclass(frozen=True)
class RatingScale:
    """The scale by which ratings become strengths.

    Attributes:
        mean: Mean rating.
        prior: Number of ratings that `mean` counts for in a person's mean.
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
        rating: (N,) ratings minus the offset of their source; NaN where none was stated.
        menu: (N,) number of the menu that a dish was picked from. A pick among all dishes has the number of
            menus here, and an opinion that is not a pick has NO_MENU.
        sizes: (G,) number of opinions in each group.
        weight: (N,) how much each opinion counts; None if each counts 1.
    """

    dish: Ints
    verdict: Ints
    rating: Floats
    menu: Ints
    sizes: Ints
    weight: Floats | None = None

    @property
    def weights(self) -> Floats:
        """(N,) how much each opinion counts."""
        return np.ones(len(self.dish)) if self.weight is None else self.weight

    @property
    def group(self) -> Ints:
        """(N,) number of each opinion's group."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def without(self, dishes: Ints) -> Opinions:
        """Drops the opinions on these dishes; the groups stay, even if they become empty."""
        rest = ~np.isin(self.dish, dishes)
        sizes = np.bincount(self.group[rest], minlength=len(self.sizes))
        rating, menu, weight = self.rating[rest], self.menu[rest], self.weights[rest]
        return Opinions(self.dish[rest], self.verdict[rest], rating, menu, sizes, weight)

    def strengths(self, scale: RatingScale) -> Floats:
        """Computes how much each dish was liked, (N,).

        A rating counts by its distance from the group's mean, in units of the spread. Without a rating the
        verdict counts. A group's mean is shrunk towards the mean of all, so that a single rating still says
        something.
        """
        rated, group = ~np.isnan(self.rating), self.group
        counts = np.bincount(group[rated], minlength=len(self.sizes))
        sums = np.bincount(group[rated], self.rating[rated], minlength=len(self.sizes))
        means = (sums + scale.prior * scale.mean) / np.maximum(counts + scale.prior, 1e-9)
        return np.where(rated, (self.rating - means[group]) / scale.spread, self.verdict)


def histories(questions: Questions) -> Opinions:
    """Collects the history of each question as a group of opinions."""
    return _opinions(questions.log, questions.lines.line, questions.lines.sizes)


def known_opinions(log: OpinionLog, may_know: Bools) -> Opinions:
    """Collects the opinions that training may know, one group for each person, without replaced ones.

    A person's picks are weighted by one over the number of times that they picked their most frequent dish.
    No dish thus counts more than one pick of a person, and the proportions stay.

    Args:
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
    """Selects the lines that training may read, without those that another such line replaces."""
    is_replaced = np.append(may_know, False)[log.replaced_by]
    return np.flatnonzero(may_know & ~is_replaced)


def _opinions(log: OpinionLog, lines: Ints, sizes: Ints) -> Opinions:
    rating = log.rating[lines] - log.offset[log.source[lines]]
    menu = np.where(log.is_free_pick, len(log.menus.sizes), log.menu)[lines]
    return Opinions(log.dish[lines], log.verdict[lines], rating, menu, sizes)


def with_source_offsets(log: OpinionLog, may_know: Bools) -> OpinionLog:
    """Sets the offset of each source: its mean rating minus the mean of all, shrunk towards zero.

    Args:
        may_know: (L,) True for the lines that training may read.
    """
    lines = _lasting(log, may_know)
    rated = lines[~np.isnan(log.rating[lines])]
    counts = np.bincount(log.source[rated], minlength=len(log.sources))
    sums = np.bincount(log.source[rated], log.rating[rated], minlength=len(log.sources))
    mean = sums.sum() / max(1, len(rated))
    return replace(log, offset=(sums - counts * mean) / (counts + SOURCE_PRIOR))


def rating_scale(opinions: Opinions) -> RatingScale:
    """Estimates the scale of ratings: their mean, their spread around people's means, and the prior.

    The prior is the variance within people over the variance between people (empirical Bayes), so it is never
    set by hand.
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
