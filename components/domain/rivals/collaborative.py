"""What people's shared opinions say of dishes that recur: item-kNN and matrix factorisation.

Both read strengths, see `strengths`. They know only dishes that training knows; any other dish scores 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.domain.preferences.strengths import rating_spread, strengths
from components.domain.records import Comparison, Past

Floats = npt.NDArray[np.float64]

MOST_DISHES = 2000  # the commonest: similarities grow with the square
FACTORS = 6
SHRINK = 10.0  # co-raters at which a similarity counts half
MEAN_SHRINK = 3.0  # opinions at which a dish's mean counts half
NOISE = 0.6  # variance of a strength (in units of spread) around what the factors say
_SWEEPS = 12


@dataclass(frozen=True)
class Collaborative:
    """Fitted tables over the commonest dishes.

    Attributes:
        dishes: Their ids; all arrays are in this order.
        mean: (dishes,) mean strength, shrunk to 0.
        similarity: (dishes, dishes) cosine of what is left after the mean, shrunk by co-raters; 0 on the
            diagonal.
        loadings: (dishes, FACTORS) of a linear-Gaussian factor model.
        spread: See `rating_spread`.
    """

    dishes: tuple[str, ...]
    mean: Floats
    similarity: Floats
    loadings: Floats
    spread: float

    def scores(self, cases: Sequence[Comparison]) -> dict[str, dict[str, Floats]]:
        """(dishes,) scores of each case by rule and key; nothing where every dish on offer is new."""
        index = {dish: place for place, dish in enumerate(self.dishes)}
        if not any(dish in index for case in cases for dish in case.dishes):
            return {}
        rules: dict[str, dict[str, Floats]] = {}
        for name, rule in (("item-knn", self.neighbours), ("matrix-factorisation", self.factors)):
            told = {history: np.append(rule(history), 0.0) for history in {case.history for case in cases}}
            rules[name] = {
                case.key: told[case.history][[index.get(dish, -1) for dish in case.dishes]] for case in cases
            }
        return rules

    def neighbours(self, history: Sequence[Past]) -> Floats:
        """(dishes,) item-kNN.

        The mean, plus the person's residuals on similar dishes, weighted by similarity.
        """
        at, residual = self._residuals(history)
        if not len(at):
            return self.mean
        weights = self.similarity[:, at]
        return np.asarray(self.mean + weights @ residual / (np.abs(weights).sum(1) + 1e-9))

    def factors(self, history: Sequence[Past]) -> Floats:
        """(dishes,) matrix factorisation.

        The mean, plus loadings times the person's factors given the history.
        """
        at, residual = self._residuals(history)
        if not len(at):
            return self.mean
        return np.asarray(self.mean + self.loadings @ _fold_in(self.loadings[at], residual))

    def _residuals(self, history: Sequence[Past]) -> tuple[npt.NDArray[np.int64], Floats]:
        index = {dish: place for place, dish in enumerate(self.dishes)}
        found = [
            (index[past.dish_id], strength)
            for past, strength in zip(history, strengths(history, self.spread), strict=True)
            if past.dish_id in index
        ]
        at = np.array([place for place, _ in found], np.int64)
        return at, np.array([strength for _, strength in found]) - self.mean[at]


def fit_collaborative(known: Mapping[str, Sequence[Past]]) -> Collaborative:
    """Fits the tables to people's opinions; `known` is as `known_opinions` gives it."""
    counts = Counter(past.dish_id for own in known.values() for past in own)
    dishes = tuple(
        sorted(dish for dish, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_DISHES])
    )
    index = {dish: place for place, dish in enumerate(dishes)}
    table, seen = np.zeros((len(known), len(dishes))), np.zeros((len(known), len(dishes)), bool)
    spread = rating_spread(known)
    for row, own in enumerate(known.values()):
        for past, strength in zip(own, strengths(own, spread), strict=True):
            if past.dish_id in index:
                table[row, index[past.dish_id]], seen[row, index[past.dish_id]] = strength, True
    mean = table.sum(0) / (seen.sum(0) + MEAN_SHRINK)
    residual = np.where(seen, table - mean, 0.0)
    together = seen.T.astype(float) @ seen
    scale = np.sqrt((residual**2).T @ seen)
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


def _fold_in(loadings: Floats, residual: Floats) -> Floats:
    """(FACTORS,) a person's most likely factors, whose prior has unit variance."""
    size = loadings.shape[1]
    return np.asarray(np.linalg.solve(loadings.T @ loadings + NOISE * np.eye(size), loadings.T @ residual))
