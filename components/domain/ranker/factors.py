"""Text factors of all dishes in closed form, from moments of people's evidence and the dishes' vectors.

The covariance of dishes' utilities over people has two parts. The first comes from the text: a constant plus
a linear kernel on the vectors, fitted by non-negative least squares. The second is, for each two dishes, what
the opinions on both say beyond the first, shrunk by its uncertainty (empirical Bayes). The factors of the
whole covariance are rotated towards the text's factors, so that a recurring dish differs from its text by a
residual alone. Shapes: D dishes of the log, K dishes of the moments, W width of vectors, S factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import nnls
from torch import Tensor

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.moments import Eigen, Moments, eigen, moments_of, principal_factors
from components.domain.preferences.opinion_log import Menus
from components.domain.preferences.strengths import Opinions
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.dish_vectors import Batch, batch_of
from components.domain.ranker.line_words import NO_WORDS, LineWords
from components.domain.ranker.prompts import Reading
from components.domain.ranker.text_factors import TextFactors, name_of, parts_of_scores, to_bytes

RIDGES = tuple(10.0**power for power in np.arange(-3, 3.5, 0.5))
MAX_UNRATED = 20_000  # lines whose mean evidence stands for all


@dataclass(frozen=True, eq=False)
class Dishes:
    """The vectors of a log's dishes.

    Attributes:
        vectors: (D, W) vector of each dish.
        first: (D,) number of the first dish that reads like each dish; twins count as this one dish.
        words: The words in the vectors' last columns.
    """

    vectors: Floats
    first: Ints
    words: LineWords = NO_WORDS


@dataclass(frozen=True, eq=False)
class Factors:
    """Mean utility and factors of the log's dishes, and how histories are read.

    Attributes:
        dishes: Vectors of the dishes.
        moments: Moments of people's evidence, in which a first twin stands for all its twins.
        centre: (W,) see `TextFactors`, as for the next three.
        projection: (1 + S, W) see `TextFactors`.
        offset: (1 + S,) see `TextFactors`.
        unrated: (2,) see `TextFactors`.
        residual: (D, 1 + S) what opinions say beyond the text; 0 for dishes without opinions.
    """

    dishes: Dishes
    moments: Moments
    centre: Floats
    projection: Floats
    offset: Floats
    unrated: tuple[float, float]
    residual: Floats

    @cached_property
    def by_text(self) -> Floats:
        """(D, 1 + S) mean utility and factors of each dish by its text alone."""
        return (self.dishes.vectors - self.centre) @ self.projection.T + self.offset

    @cached_property
    def _covariance(self) -> tuple[Floats, Eigen] | None:
        """Estimates the covariance of the dishes with opinions, once for all ranks."""
        return _covariance(self.by_text[self.moments.dishes, 1:], self.moments)

    def batch(self, comparisons: Comparisons) -> tuple[Batch, Ints]:
        """Converts comparisons to tensors, and looks up the log's number of each of their dishes."""
        batch, ids = batch_of(comparisons, self.moments.ratings), np.array(comparisons.log.dishes, object)
        return batch, np.searchsorted(ids, np.array(batch.dishes, object)).astype(np.int64)

    def parts(self, batch: Batch, dishes: Ints, noises: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Computes the parts of scores, see `parts_of_scores`; `batch` makes the first two arguments."""
        vectors = torch.from_numpy((self.by_text + self.residual)[dishes])
        return parts_of_scores(vectors, batch, torch.tensor(noises), torch.tensor(self.unrated))

    def with_opinions(self, rank: int) -> Factors:
        """Adds the residuals of the dishes that have opinions, in a copy.

        Args:
            rank: Largest number of factors that opinions may shape.
        """
        dishes, by_text = self.moments.dishes, self.by_text[self.moments.dishes]
        residual = np.zeros_like(self.residual)
        if len(dishes) > 2:
            residual[dishes, 0] = _mean_residual(by_text[:, 0], self.moments)
            if self._covariance:
                residual[dishes, 1:] = _factor_residual(by_text[:, 1:], *self._covariance, rank)
        return replace(self, residual=residual[self.dishes.first])

    def head(
        self, noise: float, weights: Tensor, lines: Sequence[Sequence[int]], reading: Reading
    ) -> TextFactors:
        """Builds the head that a service gets.

        Args:
            noise: See `TextFactors`.
            weights: (2,) see `TextFactors`.
            lines: The line of token ids of each of the D dishes.
        """
        has = np.flatnonzero(self.residual.any(axis=1))
        names = np.array([name_of(lines[dish]) for dish in has.tolist()], np.int64)
        names, first = np.unique(names, return_index=True)
        ratings = self.moments.ratings
        arrays = (self.centre, self.projection, self.offset, self.residual[has[first]])
        numbers = (noise, self.unrated, ratings.spread, ratings.mean, ratings.prior)
        centre, projection, offset, residual = (torch.from_numpy(each).float() for each in arrays)
        variance, unrated, spread, mean, prior = (torch.tensor(each, dtype=torch.float32) for each in numbers)
        return TextFactors(
            centre, projection, offset, torch.from_numpy(names), residual, variance, unrated, weights,
            spread, mean, prior, to_bytes(reading.template), torch.tensor(reading.layer),
            self.dishes.words.ids, self.dishes.words.weights, self.dishes.words.scale,
        )  # fmt: skip


def text_factors(dishes: Dishes, opinions: Opinions, menus: Menus, hidden: Ints, size: int) -> Factors:
    """Fits what vectors say alone: the mean utility by ridge regression, the factors by the linear kernel.

    Args:
        dishes: Vectors of the dishes.
        opinions: Opinions that training may know of each person; see `known_opinions`.
        hidden: Dishes whose opinions are left out.
        size: Largest number of text factors.
    """
    vectors, first = dishes.vectors, dishes.first
    opinions, menus = replace(opinions, dish=first[opinions.dish]), replace(menus, dish=first[menus.dish])
    moments = moments_of(opinions, menus, len(vectors), np.unique(first[hidden]))
    centre, directions = _directions(vectors[moments.dishes], size)
    located = (vectors[moments.dishes] - centre) @ directions.T
    slope, level = _ridge(located, moments)
    constant, scale = _kernel(located, moments)
    nothing = np.zeros((1, vectors.shape[1]))
    projection = np.concatenate([slope[None] @ directions, nothing, scale * directions])
    offset = np.array([level, constant, *np.zeros(len(directions))])
    unrated, residual = _unrated(opinions, menus, moments), np.zeros((len(vectors), len(offset)))
    return Factors(dishes, moments, centre, projection, offset, unrated, residual)


def _directions(vectors: Floats, size: int) -> tuple[Floats, Floats]:
    """Computes the mean of vectors and their principal directions, (S, W).

    Directions are scaled so that a centred vector's mean square length is one. Directions beyond the rank of
    the vectors are zero; only opinions give these factors a meaning.
    """
    if len(vectors) < 2:
        return np.zeros(vectors.shape[1]), np.zeros((0, vectors.shape[1]))
    centre = vectors.mean(axis=0)
    _, spread, directions = np.linalg.svd(vectors - centre, full_matrices=False)
    result = np.zeros((min(size, len(vectors) - 1), vectors.shape[1]))
    rank = min(len(result), int((spread > 1e-6 * spread.max(initial=1e-6)).sum()))
    result[:rank] = directions[:rank] / max(1e-12, float(np.sqrt((spread**2).sum() / len(vectors))))
    return centre, result


def _ridge(located: Floats, moments: Moments) -> tuple[Floats, float]:
    """Fits slope and level of the mean utility, with the ridge of the least error on left-out dishes."""
    mean, weight = moments.expected.mean[moments.dishes], moments.information
    if len(mean) < 2:
        return np.zeros(located.shape[1]), float(mean.sum())
    roots = np.sqrt(weight)
    features, target = np.c_[np.ones(len(located)), located] * roots[:, None], mean * roots
    best, result = np.inf, np.zeros(features.shape[1])
    for ridge in RIDGES:
        penalty = np.diag([1e-9, *np.full(located.shape[1], ridge)]) * weight.mean()
        inverse = np.linalg.solve(features.T @ features + penalty, features.T)
        leverage = np.einsum("ij,ji->i", features, inverse)
        errors = (target - features @ (inverse @ target)) / np.maximum(1 - leverage, 1e-6)
        if (error := float((errors**2).sum())) < best:
            best, result = error, inverse @ target
    return result[1:], float(result[0])


def _kernel(located: Floats, moments: Moments) -> tuple[float, float]:
    """Fits the weights of the constant and the linear kernel by least squares; returns their square roots."""
    pairs = np.triu(moments.together, 1) > 0
    if not pairs.any():
        return 0.0, 1.0
    together = moments.together[pairs]
    kernels = np.stack([np.ones(len(together)), (located @ located.T)[pairs]], axis=1)
    sure = np.sqrt(together)
    weights, _ = nnls(kernels * sure[:, None], moments.moment[pairs] / together * sure)
    return float(np.sqrt(weights[0])), float(np.sqrt(max(weights[1], 1e-6)))


def _unrated(opinions: Opinions, menus: Menus, moments: Moments) -> tuple[float, float]:
    """Averages the evidence of lines without a rating, signed by their verdicts, and their information."""
    unrated = np.isnan(opinions.rating) & np.isin(opinions.dish, moments.dishes)
    lines = np.flatnonzero(unrated)[:MAX_UNRATED]
    if not len(lines):
        return 1.0, 1.0
    strengths = opinions.strengths(moments.ratings)
    evidence = moments.expected.evidence(opinions, strengths, menus, moments.dishes)
    group, column = opinions.group, np.searchsorted(moments.dishes, opinions.dish)
    entries = np.unique(group * len(moments.expected.mean) + opinions.dish, return_inverse=True)[1]
    counts = np.bincount(entries, opinions.weights)[entries][
        lines
    ]  # an entry is the sum over the group's lines on the dish
    rows, columns = group[lines], column[lines]
    above = evidence.gradient.entries(rows, columns) / counts * opinions.verdict[lines]
    return float(above.mean()), float((evidence.information.entries(rows, columns) / counts).mean())


def _mean_residual(by_text: Floats, moments: Moments) -> Floats:
    """Computes how far each dish's mean utility lies above its text's, (K,), shrunk by its uncertainty."""
    rest = moments.expected.mean[moments.dishes] - by_text
    unsure = 1 / np.maximum(moments.information, 1e-9)
    between = max(0.0, float(np.average(rest**2 - unsure, weights=moments.information)))
    return np.asarray(rest * between / (between + unsure))


def _covariance(by_text: Floats, moments: Moments) -> tuple[Floats, Eigen] | None:
    """Computes the shrunken covariance, (K, K), with its eigenvalues; None where opinions add nothing."""
    kernel, together = by_text @ by_text.T, np.maximum(moments.together, 1e-9)
    rest = moments.moment / together - kernel
    variance = np.diag(moments.moment) / np.maximum(moments.information, 1e-9)
    unsure = np.outer(variance, variance) / together
    pairs = np.triu(moments.together, 1) > 0
    between = float(((rest**2 - unsure) * together)[pairs].sum() / max(1e-9, together[pairs].sum()))
    if between <= 0:
        return None
    covariance = kernel + between / (between + unsure) * rest
    np.fill_diagonal(covariance, np.diag(kernel))
    return covariance, eigen(covariance)


def _factor_residual(by_text: Floats, covariance: Floats, decomposed: Eigen, rank: int) -> Floats:
    """Computes how far the covariance's factors lie above the text's, (K, S), after a rotation.

    The rotation is the one that brings the factors nearest to the text's.
    """
    rank = min(rank, *by_text.shape)
    loadings = np.zeros_like(by_text)
    loadings[:, :rank] = principal_factors(covariance, rank, decomposed)
    rotation, _ = orthogonal_procrustes(loadings, by_text)
    return np.asarray(loadings @ rotation - by_text)
