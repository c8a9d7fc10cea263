"""Rules that learn from the opinions people share on recurring dishes: item-kNN and matrix factorisation.

Both read evidence (see `preferences.evidence`) and each dish's mean utility. They know only the dishes of the
training; any other dish scores 0. Shapes: P pairs and H histories, see `pairs`; D dishes of the log, K dishes
of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from components.domain.preferences.arrays import Floats, Ints, ranges
from components.domain.preferences.evidence import Evidence, Expectation
from components.domain.preferences.moments import Eigen, Moments, eigen, moments_of, principal_factors
from components.domain.preferences.opinion_log import Menus
from components.domain.preferences.strengths import Opinions, RatingScale
from components.domain.rivals.pairs import Pairs

NEIGHBOURS = (20, 50)  # similar dishes that item-kNN reads; chosen in training, like the next four
SHRINKS = (5.0, 25.0, 100.0)  # information of both dishes together at which a similarity counts half
PRIORS = (0.1, 1.0)  # information that item-kNN adds for the mean
FACTORS = (3, 8, 16)
NOISES = (0.5, 1.0, 2.0)  # variance of a strength around the factors' prediction


@dataclass(frozen=True, eq=False)
class Collaborative:
    """Rules that score dishes by the moments of people's evidence.

    Attributes:
        moments: The moments that the rules read.
        loadings: Dishes' loadings by number of factors, filled as they are needed.
        similarities: Dishes' similarities by shrinkage, likewise.
    """

    moments: Moments
    loadings: dict[int, Floats] = field(default_factory=dict)
    similarities: dict[float, Floats] = field(default_factory=dict)

    @property
    def ratings(self) -> RatingScale:
        """The scale by which ratings become strengths."""
        return self.moments.ratings

    def knows_any(self, offered: Ints) -> bool:
        """Tells whether any of these dishes is in the tables."""
        return bool(np.isin(offered, self.moments.dishes).any())

    def similarity(self, shrink: float) -> Floats:
        """Computes the (K, K) similarities of dishes: shrunken correlations, with 0 on the diagonal.

        Args:
            shrink: Shared information of two dishes at which their similarity counts half.
        """
        if shrink not in self.similarities:
            variance = np.diag(self.moments.moment) / (np.diag(self.moments.together) + 1e-9)
            covariance = self.moments.moment / (self.moments.together + shrink)
            similarity = covariance / (np.sqrt(np.outer(variance, variance)) + 1e-9)
            np.fill_diagonal(similarity, 0.0)
            self.similarities[shrink] = similarity
        return self.similarities[shrink]

    def with_dishes(self, count: int) -> Collaborative:
        """Appends dishes of which nobody has an opinion yet; the tables and what is derived stay shared."""
        expected = self.moments.expected
        mean, share = (
            np.concatenate([values, np.zeros(count)]) for values in (expected.mean, expected.share)
        )
        return replace(self, moments=replace(self.moments, expected=Expectation(mean, share)))

    def popularity(self, pairs: Pairs) -> Floats:
        """Looks up the mean utility of each pair's dish, (P,)."""
        return self.moments.expected.mean[pairs.dish]

    def neighbours(self, pairs: Pairs, count: int, shrink: float, prior: float) -> Floats:
        """Scores pairs by item-kNN, (P,): a dish's mean plus the evidence on the most similar dishes.

        Args:
            count: Largest number of similar dishes that are read from a history.
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
        """Scores pairs by matrix factorisation, (P,): a dish's mean plus its loadings times the factors.

        The factors are the likeliest ones for a history, given its evidence.

        Args:
            noise: Variance of a strength around the factors' prediction.
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
        """Computes the evidence of each history on the tables' dishes."""
        opinions, menus = pairs.opinions, pairs.questions.log.menus
        moments = self.moments
        strengths = opinions.strengths(self.ratings)
        return moments.expected.evidence(opinions, strengths, menus, moments.dishes)

    def _columns(self, pairs: Pairs) -> Ints:
        """Looks up the position of each pair's dish in the tables, (P,); -1 for a dish outside of them."""
        column = np.full(len(pairs.questions.log.dishes), -1)
        column[self.moments.dishes] = np.arange(len(self.moments.dishes))
        return column[pairs.dish]

    def _loadings(self, size: int) -> Floats:
        """Computes the (K, size) loadings of the shrunken covariances; fewer columns with fewer dishes."""
        if size not in self.loadings:
            shared, decomposed = self._covariance
            self.loadings[size] = principal_factors(shared, min(size, len(shared)), decomposed)
        return self.loadings[size]

    @cached_property
    def _covariance(self) -> tuple[Floats, Eigen]:
        """The shrunken covariances, (K, K), and their eigenvalues and axes."""
        shared = self.moments.moment / (self.moments.together + SHRINKS[0])
        return shared, eigen(shared)

    def without_similarities(self) -> Collaborative:
        """Keeps the moments and the loadings alone, since the other tables are as large as the moments."""
        return replace(self, similarities={})


def fit_collaborative(
    opinions: Opinions, menus: Menus, dish_count: int, hidden: Ints | None = None
) -> Collaborative:
    """Fits the rules: sums the moments of people's evidence; arguments as for `moments_of`."""
    return Collaborative(moments_of(opinions, menus, dish_count, hidden))
