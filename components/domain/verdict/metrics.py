"""Ranking metrics per person, and intervals from a paired bootstrap that resamples people.

People, not comparisons, are resampled: one person's choices are alike, and treating them as independent would
make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.domain.records import Comparison

Floats = npt.NDArray[np.float64]
Scores = Mapping[str, Floats]

_DECIMALS = 12  # below: the order of additions, which would put the bounds of a constant beside its mean
METRICS = ("pair_accuracy", "top1", "ndcg")


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its bootstrap interval."""

    mean: float
    low: float
    high: float


def comparison_metrics(scores: Floats, chosen: int) -> tuple[float, float, float]:
    """Pair accuracy, top-1 and NDCG of one comparison, in expectation over random breaking of ties.

    Args:
        scores: (dishes,) higher is better.
        chosen: Index of the preferred dish.
    """
    higher = int((scores > scores[chosen]).sum())
    tied = int((scores == scores[chosen]).sum()) - 1
    rivals = len(scores) - 1
    pair = (rivals - higher - tied / 2) / rivals
    top = 0.0 if higher else 1 / (tied + 1)
    ranks = np.arange(higher + 1, higher + tied + 2)
    return pair, top, float((1 / np.log2(1 + ranks)).mean())


def per_person(scores: Scores, comparisons: Sequence[Comparison]) -> dict[str, Floats]:
    """(metrics,) means of METRICS for each person over their comparisons that have scores."""
    by_person: dict[str, list[tuple[float, float, float]]] = {}
    for each in comparisons:
        if each.key in scores:
            measured = comparison_metrics(scores[each.key], each.chosen_index)
            by_person.setdefault(each.person_id, []).append(measured)
    return {person: np.mean(values, axis=0) for person, values in by_person.items()}


def paired_people(
    one: Scores, other: Scores, comparisons: Sequence[Comparison]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Each person's metrics of two models, over the comparisons that both scored: they may be subtracted.

    A mean over all of a person's comparisons minus one over some of them would also tell how hard these are.
    """
    both = [each for each in comparisons if each.key in one and each.key in other]
    return per_person(one, both), per_person(other, both)


def intervals(
    people: Mapping[str, Floats], resamples: int, confidence: float, seed: int
) -> dict[str, Interval]:
    """Each metric's mean over people, with a percentile interval over resampled people."""
    return dict(
        zip(METRICS, _bootstrap(np.stack(list(people.values())), resamples, confidence, seed), strict=True)
    )


def paired_differences(
    one: Mapping[str, Floats], other: Mapping[str, Floats], resamples: int, confidence: float, seed: int
) -> dict[str, Interval]:
    """Mean of (one - other) over the people both have, per metric, resampling those people together."""
    shared = sorted(one.keys() & other.keys())
    differences = np.stack([one[person] - other[person] for person in shared])
    return dict(zip(METRICS, _bootstrap(differences, resamples, confidence, seed), strict=True))


def _bootstrap(values: Floats, resamples: int, confidence: float, seed: int) -> list[Interval]:
    people = len(values)
    draws = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), size=resamples)
    means = np.round(draws @ values / people, _DECIMALS)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    mean = np.round(values.mean(axis=0), _DECIMALS)
    return [Interval(*map(float, row)) for row in zip(mean, low, high, strict=True)]
