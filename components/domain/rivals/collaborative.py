"""What people's shared opinions say of dishes that recur: item-kNN and matrix factorisation.

Both read strengths, see `Opinions.strengths`, and a dish's mean. They know only the dishes of training; any
other scores 0. Shapes: P pairs and H histories, see `pairs`; D dishes of the log, K dishes of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Floats, Ints, ranges
from components.domain.preferences.strengths import Opinions, RatingScale, rating_scale
from components.domain.rivals.pairs import Pairs

MAX_DISHES = 2000  # the commonest: similarities grow with the square
NEIGHBOURS = (10, 20, 50)  # similar dishes that item-kNN reads; chosen in training, like the next three
SHRINKS = (5.0, 25.0, 100.0)  # co-raters at which a similarity counts half
FACTORS = (3, 8, 16)
NOISES = (0.5, 1.0, 2.0)  # variance of a strength around what the factors say
_SWEEPS = 12


@dataclass(frozen=True, eq=False)
class Collaborative:
    """Moments of people's strengths over the commonest dishes.

    Attributes:
        dishes: (K,) index into the log's dishes; all tables are in this order.
        mean: (K,) mean strength, shrunk to 0 by the ratio of variances within and between dishes.
        moment: (K, K) sum over people of products of what is left after the mean.
        scale: (K, K) root of the sum of squares of the first dish over people who judged both.
        together: (K, K) number of people who judged both.
        ratings: How ratings become strengths.
    """

    dishes: Ints
    mean: Floats
    moment: Floats
    scale: Floats
    together: Floats
    ratings: RatingScale

    def knows_any(self, offered: Ints) -> bool:
        """Whether any of these dishes is in the tables."""
        return bool(np.isin(offered, self.dishes).any())

    def similarity(self, shrink: float) -> Floats:
        """(K, K) cosine, shrunk by the number of co-raters; 0 on the diagonal."""
        cosine = self.moment / (self.scale * self.scale.T + 1e-9)
        similarity = cosine * self.together / (self.together + shrink)
        np.fill_diagonal(similarity, 0.0)
        return np.asarray(similarity)

    def popularity(self, pairs: Pairs) -> Floats:
        """(P,) the shrunk mean strength of each dish."""
        return self._of_dishes(pairs, self.mean)

    def neighbours(self, pairs: Pairs, count: int, shrink: float) -> Floats:
        """(P,) item-kNN: the mean, plus the mean residual on the most similar dishes of the history.

        Args:
            pairs: Histories and dishes.
            count: Similar dishes of the history that are read at most.
            shrink: See `similarity`.
        """
        residuals, at = self._residuals(pairs), self._columns(pairs)
        similarity = self.similarity(shrink)
        sizes = np.where(at >= 0, np.diff(residuals.indptr)[pairs.history], 0)
        pair = np.repeat(np.arange(len(at)), sizes)
        entry = ranges(residuals.indptr[pairs.history].astype(np.int64), sizes)
        weight = np.maximum(similarity[at[pair], residuals.indices[entry]], 0.0)
        order = np.lexsort([-weight, pair])
        rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        nearest = order[rank < count]
        product = weight[nearest] * residuals.data[entry[nearest]]
        total = np.bincount(pair[nearest], product, minlength=len(at))
        weights = np.bincount(pair[nearest], weight[nearest], minlength=len(at))
        return self.popularity(pairs) + total / (weights + 1e-9)

    def factors(self, pairs: Pairs, size: int, noise: float) -> Floats:
        """(P,) matrix factorisation: the mean, plus loadings times the person's likeliest factors.

        Args:
            pairs: Histories and dishes.
            size: Number of factors.
            noise: Variance of a strength around what the factors say.
        """
        loadings, residuals = self._loadings(size), self._residuals(pairs)
        size = loadings.shape[1]
        if not size:
            return self.popularity(pairs)
        squares = (loadings[:, :, None] * loadings[:, None, :]).reshape(-1, size * size)
        judged = residuals.copy()
        judged.data = np.ones_like(judged.data)
        precision = (judged @ squares).reshape(-1, size, size) + noise * np.eye(size)
        people = np.linalg.solve(precision, (residuals @ loadings)[:, :, None])[:, :, 0]
        at = self._columns(pairs)
        scores = (people[pairs.history] * loadings[at]).sum(1)
        return self.popularity(pairs) + np.where(at >= 0, scores, 0.0)

    def _residuals(self, pairs: Pairs) -> csr_matrix:
        """(H, K) mean strength of each history on each dish, less the dish's mean."""
        sums = csr_matrix(pairs.strengths(self.ratings)[:, self.dishes])
        counts = csr_matrix(pairs.counts()[:, self.dishes])
        for matrix in (sums, counts):
            matrix.sum_duplicates()
            matrix.sort_indices()
        data = sums.data / counts.data - self.mean[counts.indices]
        return csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)

    def _columns(self, pairs: Pairs) -> Ints:
        """(P,) position of each dish in the tables; -1 where it is not there."""
        column = np.full(len(pairs.questions.log.dishes), -1)
        column[self.dishes] = np.arange(len(self.dishes))
        return column[pairs.dish]

    def _of_dishes(self, pairs: Pairs, values: Floats) -> Floats:
        at = self._columns(pairs)
        return np.where(at >= 0, np.append(values, 0.0)[at], 0.0)

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


def fit_collaborative(opinions: Opinions, dish_count: int, hidden: Ints | None = None) -> Collaborative:
    """Sums the moments of people's strengths.

    Args:
        opinions: What training may know of each person, see `known_opinions`.
        dish_count: Number of dishes of the log.
        hidden: Dishes on which nobody's opinion is read.
    """
    if hidden is not None:
        opinions = opinions.without(hidden)
    ratings = rating_scale(opinions)
    counts = np.bincount(opinions.dish, minlength=dish_count)
    commonest = np.argsort(-counts, kind="stable")[:MAX_DISHES]
    dishes = np.sort(commonest[counts[commonest] > 0])
    column = np.full(dish_count, -1)
    column[dishes] = np.arange(len(dishes))
    inside = column[opinions.dish] >= 0
    people, at = opinions.group[inside], column[opinions.dish[inside]]
    shape = len(opinions.sizes), len(dishes)
    sums = csr_matrix((opinions.strengths(ratings)[inside], (people, at)), shape=shape)
    times = csr_matrix((np.ones(len(at)), (people, at)), shape=shape)
    sums.sort_indices()
    times.sort_indices()
    strengths = sums.data / times.data
    mean = _shrunk_means(strengths, times.indices.astype(np.int64), len(dishes))
    residual = csr_matrix((strengths - mean[times.indices], times.indices, times.indptr), shape=shape)
    judged = csr_matrix((np.ones_like(times.data), times.indices, times.indptr), shape=shape)
    scale = np.sqrt((residual.multiply(residual).T @ judged).toarray())
    moment, together = (residual.T @ residual).toarray(), (judged.T @ judged).toarray()
    return Collaborative(dishes, mean, moment, scale, together, ratings)


def _shrunk_means(strengths: Floats, dish: Ints, count: int) -> Floats:
    """(count,) mean strength of each dish, shrunk to 0 by the variances within and between dishes."""
    counts = np.bincount(dish, minlength=count)
    sums = np.bincount(dish, strengths, minlength=count)
    means = sums / np.maximum(counts, 1)
    within = float(((strengths - means[dish]) ** 2).sum() / max(1, len(dish) - count))
    between = float((means**2).mean() - within / max(1.0, counts.mean())) if count else 0.0
    prior = within / between if between > 0 else 1e6
    return np.asarray(sums / (counts + prior))
