"""Intervals of the benchmarks: they cover, and pair people and comparisons."""

from __future__ import annotations

import numpy as np

from benchmarks.bootstrap import Bootstrap, intervals, paired_differences
from components.domain.preferences.from_records import comparison_table
from components.domain.records import Comparison
from components.domain.verdict.metrics import comparison_metrics, paired_people, per_person

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


def test_a_model_minus_itself_on_some_of_its_comparisons_is_nothing(comparisons: list[Comparison]) -> None:
    table = comparison_table(comparisons)
    scores = np.random.default_rng(6).normal(size=len(table.offered))
    first = {each.person_id: number for number, each in reversed(list(enumerate(comparisons)))}
    some = np.where(np.isin(table.owner, list(first.values())), scores, np.nan)
    both, few = comparison_metrics(scores, table), comparison_metrics(some, table)
    gap = paired_differences(per_person(both, table), per_person(few, table), FEW)
    assert gap["pair_accuracy"].mean != 0.0  # what the difference would have been
    paired = paired_differences(*paired_people(both, few, table), FEW)["pair_accuracy"]
    assert (paired.mean, paired.low, paired.high) == (0.0, 0.0, 0.0)
