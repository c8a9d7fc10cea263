"""Ranking metrics per person, and intervals from a paired bootstrap that resamples people.

People, not comparisons, are resampled: one person's choices are alike, and treating them as independent would
make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.domain.preferences.tables import Comparisons, Floats

People = Mapping[str, Floats]  # (METRICS,) by person

_DECIMALS = 12  # below: the order of additions, which would put the bounds of a constant beside its mean
METRICS = ("pair_accuracy", "top1", "ndcg")


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its bootstrap interval."""

    mean: float
    low: float
    high: float


def comparison_metrics(scores: Floats, comparisons: Comparisons) -> Floats:
    """(Q, METRICS) in expectation over random breaking of ties; NaN for comparisons that were not scored.

    Args:
        scores: (O,) higher is better; NaN throughout a comparison that was not scored.
        comparisons: The comparisons, each with two dishes or more.
    """
    first, owner = comparisons.firsts, comparisons.owner
    chosen = scores[comparisons.chosen_at]
    higher = np.add.reduceat((scores > chosen[owner]).astype(np.int64), first)
    tied = np.add.reduceat((scores == chosen[owner]).astype(np.int64), first) - 1
    alternatives = comparisons.sizes - 1
    pair = (alternatives - higher - tied / 2) / alternatives
    top = np.where(higher > 0, 0.0, 1 / (np.maximum(tied, 0) + 1))
    gains = 1 / np.log2(1 + np.arange(1, comparisons.sizes.max() + 1))  # of each rank
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    last = higher + np.maximum(tied, 0)
    ndcg = np.where(tied > 0, (sums[last + 1] - sums[higher]) / (np.maximum(tied, 0) + 1), gains[higher])
    measured = np.stack([pair, top, ndcg], axis=1)
    measured[np.isnan(chosen)] = np.nan
    return measured


def per_person(measured: Floats, comparisons: Comparisons) -> People:
    """Each person's (METRICS,) means over their comparisons that were scored.

    Args:
        measured: (Q, METRICS) see `comparison_metrics`.
        comparisons: The comparisons.
    """
    scored = ~np.isnan(measured[:, 0])
    person = comparisons.person[scored]
    counts = np.bincount(person)
    sums = np.stack([np.bincount(person, column) for column in measured[scored].T], axis=1)
    present = np.flatnonzero(counts)
    return {comparisons.log.people[code]: sums[code] / counts[code] for code in present}


def paired_people(one: Floats, other: Floats, comparisons: Comparisons) -> tuple[People, People]:
    """Each person's metrics of two models, over the comparisons that both scored: they may be subtracted.

    A mean over all of a person's comparisons minus one over some of them would also tell how hard these are.
    """
    both = ~np.isnan(one[:, :1]) & ~np.isnan(other[:, :1])
    return tuple(per_person(np.where(both, measured, np.nan), comparisons) for measured in (one, other))  # type: ignore[return-value]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: Number of resamples of people.
        confidence: Fraction of 1.
        seed: Seed of the draws.
    """

    resamples: int
    confidence: float
    seed: int


def intervals(people: People, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Each metric's mean over people, with a percentile interval over resampled people."""
    return dict(zip(METRICS, _intervals(np.stack(list(people.values())), bootstrap), strict=True))


def paired_differences(one: People, other: People, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Mean of (one - other) over the people that both have, per metric, resampling those people together."""
    shared = sorted(one.keys() & other.keys())
    differences = np.stack([one[person] - other[person] for person in shared])
    return dict(zip(METRICS, _intervals(differences, bootstrap), strict=True))


def _intervals(values: Floats, bootstrap: Bootstrap) -> list[Interval]:
    people = len(values)
    draws = np.random.default_rng(bootstrap.seed).multinomial(
        people, np.full(people, 1 / people), size=bootstrap.resamples
    )
    means = np.round(draws @ values / people, _DECIMALS)
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    mean = np.round(values.mean(axis=0), _DECIMALS)
    return [Interval(*map(float, bounds)) for bounds in zip(mean, low, high, strict=True)]
