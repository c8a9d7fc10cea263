"""What people's shared opinions say of dishes that recur: item-kNN and matrix factorisation.

Both read strengths, see `Opinions.strengths`. They know only the dishes of training; any other scores 0.
Shapes: Q questions, O dishes on offer, K dishes of the tables, F factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.strengths import Opinions, rating_spread
from components.domain.preferences.tables import Floats, Ints, Questions
from components.domain.rivals.histories import count_matrix, strength_matrix

MAX_DISHES = 2000  # the commonest: similarities grow with the square
FACTORS = 6
SHRINK = 10.0  # co-raters at which a similarity counts half
MEAN_SHRINK = 3.0  # opinions at which a dish's mean counts half
NOISE = 0.6  # variance of a strength (in units of spread) around what the factors say
_SWEEPS = 12


@dataclass(frozen=True, eq=False)
class Collaborative:
    """Tables over the commonest dishes.

    Attributes:
        dishes: (K,) index into the log's dishes; all tables are in this order.
        mean: (K,) mean strength, shrunk to 0.
        similarity: (K, K) cosine of what is left after the mean, shrunk by co-raters; 0 on the diagonal.
        loadings: (K, F) of a linear-Gaussian factor model.
        spread: See `rating_spread`.
    """

    dishes: Ints
    mean: Floats
    similarity: Floats
    loadings: Floats
    spread: float

    def knows_any(self, questions: Questions) -> bool:
        """Whether any dish on offer is in the tables."""
        return bool(np.isin(questions.offered, self.dishes).any())

    def neighbours(self, questions: Questions) -> Floats:
        """(O,) item-kNN: the mean, plus the person's residuals on similar dishes, weighted by similarity."""
        residuals, counts = self._residuals(questions)
        weights = counts @ np.abs(self.similarity) + 1e-9
        return self._on_offer(questions, self.mean + residuals @ self.similarity / weights)

    def factors(self, questions: Questions) -> Floats:
        """(O,) matrix factorisation: the mean, plus loadings times the person's factors given the history."""
        residuals, counts = self._residuals(questions)
        size = self.loadings.shape[1]
        squares = (self.loadings[:, :, None] * self.loadings[:, None, :]).reshape(-1, size * size)
        precision = (counts @ squares).reshape(-1, size, size) + NOISE * np.eye(size)
        people = np.linalg.solve(precision, (residuals @ self.loadings)[:, :, None])[:, :, 0]
        return self._on_offer(questions, self.mean + people @ self.loadings.T)

    def _residuals(self, questions: Questions) -> tuple[csr_matrix, csr_matrix]:
        """(Q, K) sums of what each history says of each dish beyond its mean, and numbers of its lines."""
        counts = count_matrix(questions)[:, self.dishes]
        strengths = strength_matrix(questions, self.spread)[:, self.dishes]
        return csr_matrix(strengths - counts.multiply(self.mean[None, :])), counts

    def _on_offer(self, questions: Questions, scores: Floats) -> Floats:
        column = np.full(len(questions.log.dishes), -1)
        column[self.dishes] = np.arange(len(self.dishes))
        at = column[questions.offered]
        return np.where(at >= 0, scores[questions.owner, at], 0.0)


def fit_collaborative(opinions: Opinions, dish_count: int, hidden: Ints | None = None) -> Collaborative:
    """Fits the tables.

    Args:
        opinions: All that training reads of each person, see `known_opinions`.
        dish_count: Number of dishes of the log.
        hidden: Dishes on which nobody's opinion is read.
    """
    if hidden is not None:
        opinions = opinions.without(hidden)
    counts = np.bincount(opinions.dish, minlength=dish_count)
    commonest = np.argsort(-counts, kind="stable")[:MAX_DISHES]
    dishes = np.sort(commonest[counts[commonest] > 0])
    spread = rating_spread(opinions)
    column = np.full(dish_count, -1)
    column[dishes] = np.arange(len(dishes))
    at, rows = column[opinions.dish], opinions.group
    inside = at >= 0
    table, rated = (
        np.zeros((len(opinions.sizes), len(dishes))),
        np.zeros((len(opinions.sizes), len(dishes)), bool),
    )
    table[rows[inside], at[inside]] = opinions.strengths(spread)[inside]
    rated[rows[inside], at[inside]] = True
    mean = table.sum(0) / (rated.sum(0) + MEAN_SHRINK)
    residual = np.where(rated, table - mean, 0.0)
    together = rated.T.astype(float) @ rated
    scale = np.sqrt((residual**2).T @ rated)
    moment = residual.T @ residual
    similarity = moment / (scale * scale.T + 1e-9) * together / (together + SHRINK)
    np.fill_diagonal(similarity, 0.0)
    return Collaborative(dishes, mean, similarity, _loadings(moment / (together + SHRINK)), spread)


def _loadings(covariance: Floats) -> Floats:
    """Principal axis factoring: the loadings whose products are nearest to the covariances between dishes.

    The diagonal, which holds the noise of single opinions too, is replaced by what the loadings explain of
    it.
    """
    size = min(FACTORS, len(covariance))
    shared = covariance.copy()
    for _ in range(_SWEEPS):
        values, vectors = np.linalg.eigh(shared)
        loadings = vectors[:, -size:] * np.sqrt(np.maximum(values[-size:], 0.0))
        np.fill_diagonal(shared, (loadings**2).sum(1))
    return np.asarray(loadings)
