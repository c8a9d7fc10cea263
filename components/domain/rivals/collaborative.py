"""What people's shared opinions say of dishes that recur: item-kNN and matrix factorisation.

Both read evidence, see `rivals.evidence`, and a dish's mean utility. They know only the dishes of training;
any other scores 0. Shapes: P pairs and H histories, see `pairs`; D dishes of the log, K dishes of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.domain.preferences.arrays import Floats, Ints, ranges
from components.domain.preferences.opinion_log import Menus
from components.domain.preferences.strengths import Opinions, RatingScale, rating_scale
from components.domain.rivals.evidence import Evidence, Expectation
from components.domain.rivals.pairs import Pairs

MAX_DISHES = 2000  # the commonest: similarities grow with the square
NEIGHBOURS = (20, 50)  # similar dishes that item-kNN reads; chosen in training, like the next four
SHRINKS = (5.0, 25.0, 100.0)  # information of both dishes together at which a similarity counts half
PRIORS = (0.1, 1.0)  # information that item-kNN adds for the mean
FACTORS = (3, 8, 16)
NOISES = (0.5, 1.0, 2.0)  # variance of a strength around what the factors say
_SWEEPS = 12
_NEWTON_STEPS = 5
MAX_RIDGE = 1e6  # where dishes do not differ beyond chance


@dataclass(frozen=True, eq=False)
class Collaborative:
    """Moments of people's evidence over the commonest dishes.

    Attributes:
        dishes: (K,) index into the log's dishes; all tables are in this order.
        expected: What anybody's opinions are expected to be.
        moment: (K, K) sum over people of products of both dishes' gradients.
        together: (K, K) sum over people of products of both dishes' information; for ratings the number of
            people who rated both.
        ratings: How ratings become strengths.
    """

    dishes: Ints
    expected: Expectation
    moment: Floats
    together: Floats
    ratings: RatingScale

    def knows_any(self, offered: Ints) -> bool:
        """Whether any of these dishes is in the tables."""
        return bool(np.isin(offered, self.dishes).any())

    def similarity(self, shrink: float) -> Floats:
        """(K, K) covariance over both dishes' standard deviations, shrunk; 0 on the diagonal.

        Args:
            shrink: Information of both dishes together at which the similarity counts half.
        """
        variance = np.diag(self.moment) / (np.diag(self.together) + 1e-9)
        covariance = self.moment / (self.together + shrink)
        similarity = covariance / (np.sqrt(np.outer(variance, variance)) + 1e-9)
        np.fill_diagonal(similarity, 0.0)
        return np.asarray(similarity)

    def popularity(self, pairs: Pairs) -> Floats:
        """(P,) the mean utility of each dish."""
        return self.expected.mean[pairs.dish]

    def neighbours(self, pairs: Pairs, count: int, shrink: float, prior: float) -> Floats:
        """(P,) item-kNN: the mean, plus what the evidence says of the most similar dishes.

        Args:
            pairs: Histories and dishes.
            count: Similar dishes of the history that are read at most.
            shrink: See `similarity`.
            prior: Information that the mean counts for.
        """
        evidence, at = self._evidence(pairs), self._columns(pairs)
        row, column = evidence.gradient.stored
        lengths = np.bincount(row, minlength=len(pairs.opinions.sizes))
        sizes = np.where(at >= 0, lengths[pairs.history], 0)
        pair = np.repeat(np.arange(len(at)), sizes)
        entry = ranges((np.cumsum(lengths) - lengths)[pairs.history], sizes)
        weight = np.maximum(self.similarity(shrink)[at[pair], column[entry]], 0.0)
        order = np.lexsort([-weight, pair])
        rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        nearest = order[rank < count]
        above, certain = (
            np.bincount(pair[nearest], (weight * part.entries(row, column)[entry])[nearest], len(at))
            for part in (evidence.gradient, evidence.information)
        )
        return self.popularity(pairs) + above / (certain + prior)

    def factors(self, pairs: Pairs, size: int, noise: float) -> Floats:
        """(P,) matrix factorisation: the mean, plus loadings times the person's likeliest factors.

        Args:
            pairs: Histories and dishes.
            size: Number of factors.
            noise: Variance of a strength around what the factors say.
        """
        loadings, evidence = self._loadings(size), self._evidence(pairs)
        size = loadings.shape[1]
        if not size:
            return self.popularity(pairs)
        squares = (loadings[:, :, None] * loadings[:, None, :]).reshape(-1, size * size)
        precision = evidence.information.times(squares).reshape(-1, size, size) + noise * np.eye(size)
        people = np.linalg.solve(precision, evidence.gradient.times(loadings)[:, :, None])[:, :, 0]
        at = self._columns(pairs)
        scores = (people[pairs.history] * loadings[at]).sum(1)
        return self.popularity(pairs) + np.where(at >= 0, scores, 0.0)

    def _evidence(self, pairs: Pairs) -> Evidence:
        """Of each history on the tables' dishes."""
        opinions, menus = pairs.opinions, pairs.questions.log.menus
        return self.expected.evidence(opinions, opinions.strengths(self.ratings), menus, self.dishes)

    def _columns(self, pairs: Pairs) -> Ints:
        """(P,) position of each dish in the tables; -1 where it is not there."""
        column = np.full(len(pairs.questions.log.dishes), -1)
        column[self.dishes] = np.arange(len(self.dishes))
        return column[pairs.dish]

    def _loadings(self, size: int) -> Floats:
        """(K, size) principal axis factoring: loadings whose products are nearest to the covariances.

        The diagonal, which holds the noise of single opinions too, is replaced by what the loadings explain.
        """
        shared = self.moment / (self.together + SHRINKS[0])
        size = min(size, len(shared))
        loadings = np.zeros((len(shared), size))
        for _ in range(_SWEEPS if size else 0):
            values, vectors = np.linalg.eigh(shared)
            loadings = vectors[:, -size:] * np.sqrt(np.maximum(values[-size:], 0.0))
            np.fill_diagonal(shared, (loadings**2).sum(1))
        return loadings


def fit_collaborative(
    opinions: Opinions, menus: Menus, dish_count: int, hidden: Ints | None = None
) -> Collaborative:
    """Sums the moments of people's evidence.

    Args:
        opinions: What training may know of each person, see `known_opinions`.
        menus: What picks were made from.
        dish_count: Number of dishes of the log.
        hidden: Dishes on which nobody's opinion is read.
    """
    if hidden is not None:
        opinions = opinions.without(hidden)
    ratings = rating_scale(opinions)
    strengths = opinions.strengths(ratings)
    free = opinions.dish[opinions.menu == len(menus.sizes)]
    share = np.bincount(free, minlength=dish_count) / max(1, len(free))
    expected = Expectation(np.zeros(dish_count), share)
    everybody, every = replace(opinions, sizes=np.array([len(opinions.dish)])), np.arange(dish_count)
    first = expected.evidence(everybody, strengths, menus, every)
    dishes = _commonest(first.information.sums(), np.empty(0, np.int64) if hidden is None else hidden)
    ridge = _ridge(first.gradient.sums()[dishes], first.information.sums()[dishes])
    for _ in range(_NEWTON_STEPS):
        evidence = expected.evidence(everybody, strengths, menus, dishes)
        mean = expected.mean.copy()
        slope = evidence.gradient.sums() - ridge * mean[dishes]
        mean[dishes] += slope / (evidence.information.sums() + ridge)
        expected = replace(expected, mean=mean)
    evidence = expected.evidence(opinions, strengths, menus, dishes)
    return Collaborative(dishes, expected, evidence.gradient.gram(), evidence.information.gram(), ratings)


def _commonest(information: Floats, hidden: Ints) -> Ints:
    """The dishes of which most is known; none of which nothing is."""
    information[hidden] = 0.0
    commonest = np.argsort(-information, kind="stable")[:MAX_DISHES]
    return np.sort(commonest[information[commonest] > 0])


def _ridge(gradient: Floats, information: Floats) -> float:
    """One over the variance between dishes' utilities, of what the noise of opinions leaves of it."""
    between = float((gradient**2 / information).sum() - len(gradient)) / max(1e-9, float(information.sum()))
    return min(MAX_RIDGE, 1 / between) if between > 0 else MAX_RIDGE
