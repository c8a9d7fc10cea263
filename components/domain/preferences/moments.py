"""Moments of people's evidence: what dishes are worth, and which are liked by the same people.

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

MAX_DISHES = 2000  # the commonest: tables grow with the square
_NEWTON_STEPS = 5
_SWEEPS = 12
MAX_EXACT = 500  # dishes up to which each sweep solves its eigenproblem anew
_MORE_AXES = 16  # than factors in a step from the last sweep's: the more, the nearer to the exact ones
MAX_RIDGE = 1e6  # where dishes do not differ beyond chance


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of people's evidence over the commonest dishes.

    Attributes:
        dishes: (K,) index into the log's dishes; all tables are in this order.
        expected: What anybody's opinions are expected to be.
        moment: (K, K) sum over people of products of both dishes' gradients.
        together: (K, K) sum over people of products of both dishes' information; for ratings the number of
            people who rated both.
        information: (K,) sum over people of each dish's information; for ratings their number.
        ratings: How ratings become strengths.
    """

    dishes: Ints
    expected: Expectation
    moment: Floats
    together: Floats
    information: Floats
    ratings: RatingScale


def moments_of(opinions: Opinions, menus: Menus, dish_count: int, hidden: Ints | None = None) -> Moments:
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
    """The dishes of which most is known; none of which nothing is."""
    information[hidden] = 0.0
    commonest = np.argsort(-information, kind="stable")[:MAX_DISHES]
    return np.sort(commonest[information[commonest] > 0])


def _ridge(gradient: Floats, information: Floats) -> float:
    """One over the variance between dishes' utilities, of what the noise of opinions leaves of it."""
    between = float((gradient**2 / information).sum() - len(gradient)) / max(1e-9, float(information.sum()))
    return min(MAX_RIDGE, 1 / between) if between > 0 else MAX_RIDGE


def principal_factors(covariance: Floats, count: int) -> Floats:
    """(K, count) principal axis factoring: loadings whose products are nearest to the covariances.

    The diagonal, which holds the noise of single opinions too, is replaced by what the loadings explain. With
    many dishes only the first sweep solves the eigenproblem. A later one changes nothing but the diagonal, so
    it takes one step of subspace iteration from the axes of the sweep before.

    Args:
        covariance: (K, K); its diagonal is where the sweeps begin.
        count: Number of factors, at most K.
    """
    shared, size = covariance.copy(), len(covariance)
    is_exact = size <= MAX_EXACT
    first = max(0, size - count - (0 if is_exact else _MORE_AXES))
    loadings = np.zeros((size, count))
    for sweep in range(_SWEEPS if count else 0):
        if is_exact or not sweep:
            values, axes = eigh(shared, subset_by_index=[first, size - 1])
        else:
            basis = np.linalg.qr(shared @ axes)[0]
            values, rotation = eigh(basis.T @ shared @ basis)
            axes = basis @ rotation
        loadings = axes[:, -count:] * np.sqrt(np.maximum(values[-count:], 0.0))
        np.fill_diagonal(shared, (loadings**2).sum(1))
    return loadings
