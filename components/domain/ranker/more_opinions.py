"""How many opinions of a person it takes to tell a ranking from chance.

Shapes: N opinions, one for each dish, S factors, C other dishes.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from math import lgamma, log
from statistics import NormalDist

import numpy as np

from components.domain.preferences.arrays import Bools, Floats
from components.domain.ranker.left_out_pairs import TIE, PersonOpinions, pairs_of, permuted, shares_right

LEVEL = 0.05  # largest share of people who judge at random and are called better than chance
SEED = 0
TRIED = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160)  # numbers of further opinions
FUTURES = 200  # that are drawn for each of them


def least_more(liked: Floats, is_rated: Bools) -> int:
    """Counts how many opinions are missing at least, so that even the best ranking could be told from chance.

    Chance must have at least 1 / LEVEL ways to arrange the opinions. The missing ones are of the kinds that
    the person states: likes and dislikes where they stated none.
    """
    kinds = {
        bool(kind): np.unique(liked[is_rated == kind], return_counts=True)[1].tolist()
        for kind in np.unique(is_rated)
    } or {False: []}
    more = 0
    while sum(map(_arrangements, kinds.values())) < log(1 / LEVEL) - TIE:
        grown = {kind: _with_one_more(counts, is_rated=kind) for kind, counts in kinds.items()}
        gains = {kind: _arrangements(grown[kind]) - _arrangements(counts) for kind, counts in kinds.items()}
        best = max(gains, key=gains.__getitem__)
        kinds[best] = grown[best]
        more += 1
    return more


def _with_one_more(counts: list[int], *, is_rated: bool) -> list[int]:
    """Adds the opinion that surprises most: a new rating, or the rarer of a like and a dislike."""
    if is_rated:
        return [*counts, 1]
    rarest, *others = sorted([*counts, *[0] * (2 - len(counts))])
    return [rarest + 1, *others]


def _arrangements(counts: list[int]) -> float:
    """Computes the logarithm of the number of ways to arrange opinions, of which `counts` are alike."""
    return lgamma(sum(counts) + 1) - sum(lgamma(count + 1) for count in counts)


def could_tell(liked: Floats, is_rated: Bools, accuracy: float) -> bool:
    """Tells whether a ranking with this share of pairs right could be told from chance, by any model.

    The spread of chance is about that of Kendall's tau times the root of two, since left-out pairs are
    predicted from permuted opinions, too. For n opinions this is 0.82 / sqrt(n) where half of them are likes,
    and 0.47 / sqrt(n) for ratings that all differ.
    """
    if least_more(liked, is_rated):
        return False
    variance = 0.0
    for kind in (True, False):
        ties = np.unique(liked[is_rated == kind], return_counts=True)[1].tolist()
        variance += (_variance(sum(ties)) - sum(map(_variance, ties))) / 18
    spread = float(np.sqrt(2 * variance)) / (2 * pairs_of(liked, is_rated))
    return bool(accuracy - 0.5 >= NormalDist().inv_cdf(1 - LEVEL) * spread)


def _variance(count: int) -> float:
    return count * (count - 1) * (2 * count + 5)


def opinions_until_shown(opinions: PersonOpinions, others: Floats) -> tuple[int | None, float]:
    """Estimates with how many more opinions half of the people like this one are better than chance.

    Args:
        others: (C, S) factors of dishes that the person could judge next.

    Returns:
        The number, None where no number that can be tried is enough, and the share of people.
    """
    others = others[np.random.default_rng(SEED).permutation(len(others))]
    tried = [more for more in TRIED if more <= len(others)]
    shares = [0.0] * len(tried)

    def share_of(place: int) -> float:
        shares[place] = share_shown(opinions, others[: tried[place]])
        return shares[place]

    place = bisect_left(range(len(tried)), 0.5, key=share_of)
    return (tried[place], shares[place]) if place < len(tried) else (None, 0.0)


def share_shown(opinions: PersonOpinions, others: Floats) -> float:
    """Computes the share of futures, with opinions on other dishes as well, that are better than chance.

    The person's weights are drawn from the posterior. Their next opinions are those so far, handed out to the
    other dishes in the order of the drawn utilities.
    """
    draw = np.random.default_rng(SEED)
    kind = 2 * np.count_nonzero(opinions.is_rated) >= len(opinions.liked)
    given = np.sort(opinions.liked[opinions.is_rated == kind])
    utilities = _people(opinions, draw) @ others.T
    utilities += draw.normal(size=utilities.shape) * opinions.noise**0.5
    places = (np.argsort(np.argsort(utilities)) + draw.random((FUTURES, 1))) / len(others)
    handed_out = given[(places * len(given)).astype(np.int64)]
    later = replace(
        opinions,
        factors=np.concatenate([opinions.factors, others]),
        is_rated=np.append(opinions.is_rated, np.full(len(others), kind)),
    )
    liked = np.hstack([np.tile(opinions.liked, (FUTURES, 1)), handed_out])
    by_chance = shares_right(later, permuted(liked, later.is_rated, draw))
    return float((shares_right(later, liked) > np.quantile(by_chance, 1 - LEVEL)).mean())


def _people(opinions: PersonOpinions, draw: np.random.Generator) -> Floats:
    """Draws the weights of people from the posterior, (FUTURES, S)."""
    mean, covariance = opinions.posterior
    root = np.linalg.cholesky(covariance)
    return np.asarray(mean + draw.normal(size=(FUTURES, len(mean))) @ root.T)
