"""Intervals of the benchmarks' means over people, from a paired bootstrap that resamples people.

They are narrower than those of the gate, which count menu days as clusters too: see `verdict/clusters.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Floats
from components.domain.verdict.metrics import METRICS, Interval, People

_DECIMALS = 12  # below: the order of additions, which would put the bounds of a constant beside its mean


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
