"""Intervals of the benchmarks: they cover, and pair people and comparisons."""

from __future__ import annotations

import numpy as np

from benchmarks.bootstrap import Bootstrap, intervals, paired_differences

FEW = Bootstrap(100, 0.9, 0)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for draw in range(200):
        people = {str(index): np.full(3, value) for index, value in enumerate(generator.normal(0.6, 0.2, 60))}
        interval = intervals(people, Bootstrap(400, 0.9, draw))["pair_accuracy"]
        covered += interval.low <= 0.6 <= interval.high
    assert 0.83 <= covered / 200 <= 0.96


def test_pairing_uses_only_the_people_that_both_have() -> None:
    one = {"a": np.ones(3), "b": np.zeros(3)}
    other = {"a": np.zeros(3), "c": np.ones(3)}
    assert paired_differences(one, other, FEW)["top1"].mean == 1.0
