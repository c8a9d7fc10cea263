"""Moments of people's evidence: each dish's mean utility, and which dishes the same people like.

Shapes: D dishes of the log, K dishes of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from components.domain.preferences.arrays import Floats, Ints, sums
from components.domain.preferences.evidence import Expectation
from components.domain.preferences.opinion_log import Menus
from components.domain.preferences.strengths import Opinions, RatingScale, rating_scale

MAX_DISHES = 2000  # number of dishes, those with the most information: tables grow with the square
_NEWTON_STEPS = 5
_SWEEPS = 12
MAX_EXACT = 500  # dishes up to which each sweep solves its eigenproblem anew
_MORE_AXES = 16  # axes beyond the factors in a step of subspace iteration; more come nearer to the exact ones
Eigen = tuple[Floats, Floats]  # eigenvalues and axes
MAX_RIDGE = 1e6  # ridge where dishes do not differ beyond chance


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of people's evidence over the commonest dishes.

    Attributes:
        dishes: (K,) index into the log's dishes; all tables are in this order.
        expected: The opinions that are expected of anybody.
        moment: (K, K) sum over people of the product of two dishes' gradients.
        together: (K, K) sum over people of the product of two dishes' information; with ratings alone, the
            number of people who rated both.
        information: (K,) sum over people of each dish's information; with ratings alone, their number.
        ratings: Scale by which ratings become strengths.
    """

    dishes: Ints
    expected: Expectation
    moment: Floats
    together: Floats
    information: Floats
    ratings: RatingScale


def moments_of(opinions: Opinions, menus: Menus, dish_count: int, hidden: Ints | None = None) -> Moments:
    """Fits each dish's mean utility, then sums the moments of people's evidence.

    Args:
        opinions: Opinions that training may know, one group for each person; see `known_opinions`.
        hidden: Dishes whose opinions are left out.
    """
    if hidden is not None:
        opinions = opinions.without(hidden)
    ratings = rating_scale(opinions)
    strengths = opinions.strengths(ratings)
    free = opinions.menu == len(menus.sizes)
    share = sums(opinions.dish[free], opinions.weights[free], dish_count)
    share /= max(1e-9, float(share.sum()))
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
    information = evidence.information.sums()
    gradient, both = evidence.gradient.gram(), evidence.information.gram()
    return Moments(dishes, expected, gradient, both, information, ratings)


def _commonest(information: Floats, hidden: Ints) -> Ints:
    """Picks the MAX_DISHES dishes with the most information; drops hidden dishes, and dishes without any."""
    information[hidden] = 0.0
    commonest = np.argsort(-information, kind="stable")[:MAX_DISHES]
    return np.sort(commonest[information[commonest] > 0])


def _ridge(gradient: Floats, information: Floats) -> float:
    """Estimates one over the variance between dishes' utilities, after subtracting the noise of opinions."""
    between = float((gradient**2 / information).sum() - len(gradient)) / max(1e-9, float(information.sum()))
    return min(MAX_RIDGE, 1 / between) if between > 0 else MAX_RIDGE


def eigen(covariance: Floats) -> Eigen:
    """Computes all eigenvalues, ascending, and their axes.

    The drivers that find only some eigenvalues fail where one person makes nearly all of them 0.
    """
    values, axes = eigh(covariance, driver="evd")
    return values, axes


def principal_factors(covariance: Floats, count: int, decomposed: Eigen | None = None) -> Floats:
    """Computes loadings whose products are nearest to the covariances, by principal axis factoring.

    The diagonal also holds the noise of single opinions, so each sweep replaces it by what the loadings
    explain. With many dishes only the first sweep solves the eigenproblem. A later sweep changes the diagonal
    alone, so it takes one step of subspace iteration from the axes of the sweep before.

    Args:
        covariance: (K, K); the first sweep starts from its diagonal.
        count: Number of factors, at most K.
        decomposed: What `eigen` returns for the covariance; None to compute it.

    Returns:
        (K, count) the loadings.
    """
    shared, size = covariance.copy(), len(covariance)
    is_exact = size <= MAX_EXACT
    first = max(0, size - count - (0 if is_exact else _MORE_AXES))
    loadings = np.zeros((size, count))
    for sweep in range(_SWEEPS if count else 0):
        if is_exact or not sweep:
            whole = decomposed if decomposed and not sweep else eigen(shared)
            values, axes = (part[..., first:] for part in whole)
        else:
            basis = np.linalg.qr(shared @ axes)[0]
            values, rotation = eigh(basis.T @ shared @ basis)
            axes = basis @ rotation
        loadings = axes[:, -count:] * np.sqrt(np.maximum(values[-count:], 0.0))
        np.fill_diagonal(shared, (loadings**2).sum(1))
    return loadings
