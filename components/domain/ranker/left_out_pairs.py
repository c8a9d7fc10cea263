"""Predicts each two opinions of a person from their other opinions, and counts the pairs that come out right.

A person is the posterior of text factors, with a neutral mean: what anybody likes is left out, and so are the
residuals, since both are fitted to opinions that include the person's own. Shapes: N opinions, one for each
dish, S factors, R rows of opinions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints

MOST_OPINIONS = 200  # bounds time
TIE = 1e-9  # difference of two predictions, against the largest one, that rounding explains


@dataclass(frozen=True, eq=False)
class PersonOpinions:
    """What a person said about dishes, and the constants of the model that reads it.

    Attributes:
        factors: (N, S) factors of the dishes by their text.
        liked: (N,) how much each dish was liked.
        is_rated: (N,) True for ratings. An opinion is compared with opinions of its kind alone.
        noise: Variance of a rating around the factors' prediction.
        unrated: Evidence and information of an opinion without a rating; see `TextFactors`.
    """

    factors: Floats
    liked: Floats
    is_rated: Bools
    noise: float
    unrated: tuple[float, float]

    @property
    def information(self) -> Floats:
        """(N,) information of each opinion, in units of a rating's."""
        return np.where(self.is_rated, 1.0, self.unrated[1])

    @property
    def slope(self) -> Floats:
        """(N,) evidence of each opinion, divided by how much its dish was liked."""
        return np.where(self.is_rated, 1.0, self.unrated[0])

    @cached_property
    def posterior(self) -> tuple[Floats, Floats]:
        """Computes the mean, (S,), and the covariance, (S, S), of the person's weights."""
        factors = self.factors
        precision = self.noise * np.eye(factors.shape[1]) + factors.T @ (factors * self.information[:, None])
        mean = np.linalg.solve(precision, factors.T @ (self.slope * self.liked))
        return np.asarray(mean, np.float64), np.asarray(self.noise * np.linalg.inv(precision), np.float64)

    @cached_property
    def influence(self) -> Floats:
        """(N, N) how the evidence of each opinion moves the prediction of each dish."""
        kernel = self.factors @ self.factors.T
        scaled = kernel * self.information
        return np.asarray(np.linalg.solve(self.noise * np.eye(len(kernel)) + scaled, kernel), np.float64)


def latest_lines(dishes: Floats | Ints) -> Ints:
    """Selects the latest line of each dish, and of these the latest MOST_OPINIONS, oldest first.

    Args:
        dishes: (lines, S) rows that are equal for lines on the same dish, oldest line first.
    """
    newest_first = np.unique(dishes[::-1], axis=0, return_index=True)[1]
    return np.sort(len(dishes) - 1 - newest_first)[-MOST_OPINIONS:]


def latest_opinions(
    factors: Floats, liked: Floats, is_rated: Bools, noise: float, unrated: tuple[float, float]
) -> PersonOpinions:
    """Keeps the latest opinion on each dish; dishes with equal factors are one dish.

    If one of two such opinions were left out, the other one would still tell it.

    Args:
        factors: (lines, S) factors of the dish of each line of a history, oldest first.
    """
    lines = latest_lines(factors)
    return PersonOpinions(factors[lines], liked[lines], is_rated[lines], noise, unrated)


def pairs_of(liked: Floats, is_rated: Bools) -> int:
    """Counts the pairs of opinions of one kind of which one is better."""
    return int(np.count_nonzero(_better(liked, is_rated[:, None] == is_rated)))


def shares_right(opinions: PersonOpinions, liked: Floats) -> Floats:
    """Computes the share of pairs that come out right for several rows of opinions on the same dishes, (R,).

    Both opinions of a pair are left out, in closed form. Without opinions i and j, the predictions of their
    dishes are (1 - H D)^-1 (m - H g). Here H is their 2 by 2 block of the influence, D has their information,
    m the predictions from all opinions, and g their evidence. The determinant is positive, so the sign of the
    difference can do without it. A tie is half right.

    Args:
        liked: (R, N) how much each dish was liked.
    """
    influence, information = opinions.influence, opinions.information
    own, same = np.diag(influence), opinions.is_rated[:, None] == opinions.is_rated
    weight = 1 - own * information - influence * information[:, None]
    moved, evidence = weight * influence, liked * opinions.slope
    tie = TIE * float(np.abs(influence).max(initial=0.0) * np.abs(evidence).max(initial=0.0))
    shares = np.full(len(liked), 0.5)
    for row, (values, given) in enumerate(zip(liked, evidence, strict=True)):
        half = weight * (influence @ given - own * given)[:, None] - moved * given
        above, better = half > half.T + tie, _better(values, same)
        won = np.count_nonzero(above & better) - np.count_nonzero(above.T & better)
        shares[row] += 0.5 * won / max(1, int(np.count_nonzero(better)))
    return shares


def permuted(liked: Floats, is_rated: Bools, draw: np.random.Generator) -> Floats:
    """Permutes each of (R, N) rows of opinions; an opinion changes places with opinions of its kind alone."""
    orders = np.empty(liked.shape, np.int64)
    orders[:, np.argsort(is_rated, kind="stable")] = np.argsort(is_rated + draw.random(liked.shape), axis=1)
    return np.take_along_axis(liked, orders, axis=1)


def _better(liked: Floats, same: Bools) -> Bools:
    return np.asarray((liked[:, None] > liked) & same)
