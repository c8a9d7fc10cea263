"""Metrics per person, ties in expectation, intervals that resample people."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components.domain.records import Comparison
from components.domain.verdict.gate import judge
from components.domain.verdict.metrics import (
    comparison_metrics,
    intervals,
    paired_differences,
    paired_people,
    per_person,
)


@pytest.mark.parametrize(
    ("scores", "chosen", "pair", "top"),
    [
        ([3, 2, 1], 0, 1.0, 1.0),
        ([3, 2, 1], 1, 0.5, 0.0),
        ([1, 1, 1], 2, 0.5, 1 / 3),
        ([2, 2, 1], 0, 0.75, 0.5),
        ([1, 3], 0, 0, 0),
    ],
)
def test_comparison_metrics(scores: list[float], chosen: int, pair: float, top: float) -> None:
    got = comparison_metrics(np.array(scores, float), chosen)
    assert got[:2] == pytest.approx((pair, top))


def test_ndcg_of_a_tie_is_the_mean_over_its_ranks() -> None:
    assert comparison_metrics(np.array([1.0, 1.0]), 0)[2] == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_a_person_with_many_comparisons_counts_once(comparisons: list[Comparison]) -> None:
    right = {each.key: np.array([float(dish == each.chosen) for dish in each.dishes]) for each in comparisons}
    wrong = {key: -value for key, value in right.items()}
    scores = {each.key: (wrong if each.person_id == "ada" else right)[each.key] for each in comparisons}
    more = [
        *comparisons,
        *(dataclasses.replace(each, key=f"{each.key}+") for each in comparisons if each.person_id == "ada"),
    ]
    scores |= {f"{each.key}+": wrong[each.key] for each in comparisons if each.person_id == "ada"}
    people = per_person(scores, more)
    assert np.mean([row[0] for row in people.values()]) == pytest.approx(2 / 3)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for draw in range(200):
        people = {str(index): np.full(3, value) for index, value in enumerate(generator.normal(0.6, 0.2, 60))}
        interval = intervals(people, 400, 0.9, draw)["pair_accuracy"]
        covered += interval.low <= 0.6 <= interval.high
    assert 0.83 <= covered / 200 <= 0.96


def test_pairing_uses_only_the_people_that_both_have() -> None:
    one = {"a": np.ones(3), "b": np.zeros(3)}
    other = {"a": np.zeros(3), "c": np.ones(3)}
    assert paired_differences(one, other, 100, 0.9, 0)["top1"].mean == 1.0


def test_a_model_minus_itself_on_some_of_its_comparisons_is_nothing(comparisons: list[Comparison]) -> None:
    draw = np.random.default_rng(6)
    scores = {each.key: draw.normal(size=len(each.dishes)) for each in comparisons}
    first = {each.person_id: each.key for each in reversed(comparisons)}
    some = {key: scores[key] for key in first.values()}
    assert len(some) < len(scores)
    apart = paired_differences(per_person(scores, comparisons), per_person(some, comparisons), 100, 0.9, 0)
    assert apart["pair_accuracy"].mean != 0.0  # what the difference would have been
    gap = paired_differences(*paired_people(scores, some, comparisons), 100, 0.9, 0)["pair_accuracy"]
    assert (gap.mean, gap.low, gap.high) == (0.0, 0.0, 0.0)


def _people(values: list[float]) -> dict[str, np.ndarray]:
    return {str(index): np.full(3, value) for index, value in enumerate(values)}


def test_the_gate_passes_what_beats_every_rival_and_names_the_closest() -> None:
    generator = np.random.default_rng(1)
    noise = generator.normal(0, 0.1, 300)
    new = _people(list(0.8 + noise))
    rivals = {
        "rule": (new, _people(list(0.7 + noise + generator.normal(0, 0.05, 300)))),
        "random": (new, _people(list(0.5 + generator.normal(0, 0.1, 300)))),
    }
    verdict = judge("new", rivals, 1, 500, 0.95, 0)
    assert (verdict.decision, verdict.rival) == ("pass", "rule")


@pytest.mark.parametrize("gap", [0.0, 0.002])
def test_a_tie_is_a_no(gap: float) -> None:
    noise = np.random.default_rng(2).normal(0, 0.2, 100)
    other = np.random.default_rng(3).normal(0, 0.2, 100)
    pair = _people(list(0.7 + gap + noise)), _people(list(0.7 + other))
    verdict = judge("new", {"rule": pair}, 1, 500, 0.95, 0)
    assert verdict.decision == "fail"
    assert "does not clearly beat rule" in verdict.reason


def test_equal_scores_are_a_no() -> None:
    same = _people([0.6, 0.7, 0.8])
    assert judge("new", {"champion": (same, same)}, 1, 200, 0.95, 0).decision == "fail"


def test_the_interval_widens_with_the_number_of_candidates() -> None:
    rows = _people(list(np.random.default_rng(4).normal(0.7, 0.1, 50)))
    rivals = {"rule": (rows, _people(list(np.random.default_rng(5).normal(0.6, 0.1, 50))))}
    one, four = (judge("a", rivals, candidates, 500, 0.95, 0) for candidates in (1, 4))
    assert four.confidence == pytest.approx(0.9875)
    assert four.difference.low < one.difference.low
