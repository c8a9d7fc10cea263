"""Judges by a person's own opinions whether the model ranks what they liked above what they disliked.

A permutation test says whether chance would put as many pairs right, and the posterior says how many pairs of
other dishes to expect right. Shapes: S factors, C other dishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from components.domain.preferences.arrays import Floats
from components.domain.ranker.left_out_pairs import PersonOpinions, pairs_of, permuted, shares_right
from components.domain.ranker.more_opinions import LEVEL, SEED, least_more, opinions_until_shown

PERMUTATIONS = 199


@dataclass(frozen=True)
class Judgement:
    """Whether the model ranks a person's dishes better than chance.

    Attributes:
        better_than_chance: False means not yet. None means that it cannot be told.
        pairs: Number of pairs of dishes of which one was liked more.
        accuracy: Share of these pairs that come out right; None without pairs.
        more_opinions: About how many more opinions may show it; None where it is unknown, or shown.
        sentence: The same in words.
    """

    better_than_chance: bool | None
    pairs: int
    accuracy: float | None
    more_opinions: int | None
    sentence: str


NOT_JUDGED = Judgement(
    None,
    0,
    None,
    None,
    "Cannot be told: what serves is a rule, or dish vectors that were trained on people's opinions.",
)


def judge(opinions: PersonOpinions, others: Floats) -> Judgement:
    """Judges the model's ranking of a person's dishes.

    Args:
        others: (C, S) factors of dishes that the person could judge next.
    """
    pairs, least = pairs_of(opinions.liked, opinions.is_rated), least_more(opinions.liked, opinions.is_rated)
    missing = f"At least {least} more {'opinion is' if least == 1 else 'opinions are'} needed."
    if not pairs:
        words = f"Cannot be told: no dish was liked more than another one. {missing}"
        return Judgement(None, 0, None, least, words)
    accuracy, by_chance = accuracy_and_chance(opinions)
    if least:
        words = f"Not yet better than chance: there are too few opinions to tell. {missing}"
        return Judgement(
            better_than_chance=False, pairs=pairs, accuracy=accuracy, more_opinions=least, sentence=words
        )
    right = f"{accuracy:.0%} of {pairs:,} pairs come out right, each predicted from the other opinions."
    if is_significant(accuracy, by_chance):
        words = f"Better than chance: {right}"
        return Judgement(
            better_than_chance=True, pairs=pairs, accuracy=accuracy, more_opinions=None, sentence=words
        )
    more = opinions_until_shown(opinions, others)[0] if accuracy > 0.5 else None
    then = (
        f"About {more} more opinions may show it." if more else "How many more opinions it takes is unknown."
    )
    words = f"Not yet better than chance: {right} {then}"
    return Judgement(
        better_than_chance=False, pairs=pairs, accuracy=accuracy, more_opinions=more, sentence=words
    )


def expected_accuracy(opinions: PersonOpinions, others: Floats) -> float:
    """Computes the share of pairs of other dishes that the model is expected to put right.

    The person's next two ratings differ by a normal variable, which has the posterior's mean and variance and
    the noise of both ratings. It has the sign of its mean with the probability that is averaged here.

    Args:
        others: (C, S) factors of at least two dishes that the person could judge next.
    """
    mean, covariance = opinions.posterior
    first, second = np.triu_indices(len(others), 1)
    utility, shared = others @ mean, others @ covariance @ others.T
    own = np.diag(shared)
    variance = own[first] + own[second] - 2 * shared[first, second] + 2 * opinions.noise
    return float(ndtr(np.abs(utility[first] - utility[second]) / np.sqrt(variance)).mean())


def accuracy_and_chance(opinions: PersonOpinions) -> tuple[float, Floats]:
    """Computes the share of pairs that come out right, and the same for PERMUTATIONS of the opinions."""
    rows = np.tile(opinions.liked, (1 + PERMUTATIONS, 1))
    rows[1:] = permuted(rows[1:], opinions.is_rated, np.random.default_rng(SEED))
    shares = shares_right(opinions, rows)
    return float(shares[0]), shares[1:]


def is_significant(accuracy: float, by_chance: Floats) -> bool:
    """Tells whether a share of pairs is among the LEVEL largest that chance gives."""
    return bool(1 + np.count_nonzero(by_chance >= accuracy) <= LEVEL * (1 + len(by_chance)))
