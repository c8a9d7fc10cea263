"""Chooses the constants of text factors on folds of the training period, and fits the factors to all of it.

Shapes: D dishes of the log, L lines of the log, O dishes on offer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.folds import Fold, Unit, folds_of, share_won
from components.domain.preferences.logit import fit_logit
from components.domain.preferences.strengths import known_opinions
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.factors import Dishes, Factors, text_factors
from components.domain.ranker.loss import listwise_loss

FOLDS = 5
RANKS = (4, 16, 64)  # numbers of factors that opinions may shape; chosen on folds, like the next
NOISES = (0.3, 1.0, 3.0, 10.0)
RIDGE = 0.1  # keeps the weights finite, as one part may order a few comparisons without a fault
MAX_CHOOSING = 2000  # comparisons of a fold on which constants are compared
_Constants = tuple[int, float]
_Parts = tuple[Tensor, Tensor]  # of scores; see `parts_of_scores`


@dataclass(frozen=True)
class Fitted:
    """Text factors with all constants chosen, and how well they do on the folds.

    Attributes:
        factors: Text factors, fitted to all that training may read.
        noise: Variance of a rating around the factors' prediction.
        weights: (2,) see `TextFactors`.
        loss: Mean loss on the folds, in nats per comparison.
        losses: (F,) the same on each fold.
        accuracy: Share of alternatives that score below the preferred dish, as a mean over folds.
        comparisons: Number of comparisons on the folds.
    """

    factors: Factors
    noise: float
    weights: Tensor
    loss: float
    losses: Floats
    accuracy: float
    comparisons: int

    def scores(self, comparisons: Comparisons) -> Floats:
        """Computes the scores of the dishes on offer, (O,), in nats."""
        common, personal = self.factors.parts(*self.factors.batch(comparisons), [self.noise])
        return _scores((common, personal[0]), self.weights).double().numpy()


def fit_factors(dishes: Dishes, train: Comparisons, may_know: Bools, unit: Unit, size: int) -> Fitted:
    """Chooses rank, noise and weights by the loss on folds, and fits the rest to the whole training period.

    Args:
        dishes: Vectors of the log's dishes.
        may_know: (L,) True for the lines of the log that training may read.
        unit: What is new in the test: days (with their dishes), people, or dishes.
        size: Largest number of text factors.
    """
    folds = [fold.some(MAX_CHOOSING) for fold in folds_of(train, may_know, unit, FOLDS)]
    new = [fold.new for fold in folds]
    tried: dict[_Constants, list[_Parts]] = {}
    for fold in folds:
        for constants, parts in _tried(dishes, fold, size):
            tried.setdefault(constants, []).append(parts)
    weighed = {constants: _weights(parts, new) for constants, parts in tried.items()}
    means = {constants: float(losses.mean()) for constants, (_, losses) in weighed.items()}
    rank, noise = min(means, key=means.__getitem__, default=(RANKS[0], NOISES[1]))
    weights, losses = weighed.get((rank, noise), (torch.ones(2), np.empty(0)))
    opinions, log = known_opinions(train.log, may_know), train.log
    factors = text_factors(dishes, opinions, log.menus, np.empty(0, np.int64), size).with_opinions(rank)
    scores = (_scores(parts, weights).numpy() for parts in tried.get((rank, noise), ()))
    won = [share_won(values, each) for values, each in zip(scores, new, strict=True)]
    of_folds = np.array(
        [part.mean() for part in np.split(losses, np.cumsum(list(map(len, new)))[:-1]) if len(part)]
    )
    accuracy = float(np.mean(won or [0.5]))
    return Fitted(
        factors, noise, weights, means.get((rank, noise), math.nan), of_folds, accuracy, len(losses)
    )


def clearly_best(losses: Sequence[Floats]) -> int:
    """Picks the fit with the least loss on folds, or the first one where the folds cannot tell.

    A fit is preferred to the first one if its loss is lower by more than one standard error of the difference
    between folds (the rule of one standard error; Breiman et al. 1984, section 3.4.3).

    Args:
        losses: (F,) loss of each fit on the same folds.
    """
    gaps = np.array(losses) - losses[0]
    if gaps.shape[1] < 2:
        return 0
    errors = gaps.std(axis=1, ddof=1) / np.sqrt(gaps.shape[1])
    means = gaps.mean(axis=1)
    return int(np.argmin(np.where(means + errors < 0, means, 0.0)))


def _tried(dishes: Dishes, fold: Fold, size: int) -> Iterator[tuple[_Constants, _Parts]]:
    opinions, log = known_opinions(fold.train.log, fold.may_know), fold.train.log
    by_text = text_factors(dishes, opinions, log.menus, fold.hidden, size)
    batch, numbers = by_text.batch(fold.new)
    for rank in RANKS:
        factors = by_text.with_opinions(rank)
        common, personal = factors.parts(batch, numbers, NOISES)
        for noise, part in zip(NOISES, personal, strict=True):
            yield (rank, noise), (common, part)


def _scores(parts: _Parts, weights: Tensor) -> Tensor:
    return weights[0] * parts[0] + weights[1] * parts[1]


def _weights(parts: Sequence[_Parts], comparisons: Sequence[Comparisons]) -> tuple[Tensor, Floats]:
    """Fits the (2,) weights, at least 0, that turn scores into log odds, with the loss of each comparison."""
    features = np.concatenate([torch.stack(part, dim=1).double().numpy() for part in parts])
    sizes = np.concatenate([each.sizes for each in comparisons])
    chosen = np.concatenate([each.chosen for each in comparisons])
    weights = fit_logit(features, sizes, chosen, RIDGE)
    if (weights < 0).any():
        alone = int(np.argmax(weights))
        weights = np.zeros(2)
        weights[alone] = max(0.0, float(fit_logit(features[:, [alone]], sizes, chosen, RIDGE)[0]))
    owner = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes))
    preferred = torch.from_numpy(np.cumsum(sizes) - sizes + chosen)
    losses = listwise_loss(torch.from_numpy(features @ weights), owner, preferred)
    return torch.from_numpy(weights).float(), losses.numpy()
