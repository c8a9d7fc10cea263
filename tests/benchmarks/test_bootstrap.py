"""Intervals of the benchmarks cover as often as they say."""

from __future__ import annotations

import numpy as np

from benchmarks.bootstrap import Bootstrap, intervals


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for draw in range(200):
        people = {str(index): np.full(3, value) for index, value in enumerate(generator.normal(0.6, 0.2, 60))}
        interval = intervals(people, Bootstrap(400, 0.9, draw))["pair_accuracy"]
        covered += interval.low <= 0.6 <= interval.high
    assert 0.83 <= covered / 200 <= 0.96
