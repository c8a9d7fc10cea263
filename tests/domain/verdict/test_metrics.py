"""Metrics per person, ties in expectation, intervals that resample people."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.metrics import (
    Bootstrap,
    comparison_metrics,
    intervals,
    paired_differences,
    paired_people,
    per_person,
)
from tests.domain.rivals.tastes import NOW

FEW = Bootstrap(100, 0.9, 0)


def _sets(*chosen: tuple[int, int]) -> Comparisons:
    """One comparison for each pair of a size and the position of the chosen dish."""
    names = [tuple(f"d{place}" for place in range(size)) for size, _ in chosen]
    return comparison_table(
        [
            Comparison(f"p{number}", (), dishes, f"k{number}", NOW, dishes[at])
            for number, (dishes, (_, at)) in enumerate(zip(names, chosen, strict=True))
        ]
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
    (measured,) = comparison_metrics(np.array(scores, float), _sets((len(scores), chosen)))
    assert measured[:2] == pytest.approx((pair, top))


def test_ndcg_is_scikit_learns_where_nothing_ties() -> None:
    random = np.random.default_rng(0)
    sizes = [int(size) for size in random.integers(2, 12, 40)]
    table = _sets(*((size, int(random.integers(size))) for size in sizes))
    scores = random.normal(size=len(table.offered))
    measured = comparison_metrics(scores, table)[:, 2]
    for number, (first, size) in enumerate(zip(table.firsts, table.sizes, strict=True)):
        relevance = (np.arange(size) == table.chosen[number]).astype(float)
        expected = ndcg_score([relevance], [scores[first : first + size]])
        assert measured[number] == pytest.approx(expected)


def test_ndcg_of_a_tie_is_the_mean_over_its_ranks() -> None:
    (measured,) = comparison_metrics(np.array([1.0, 1.0]), _sets((2, 0)))
    assert measured[2] == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_comparisons_without_scores_are_left_out() -> None:
    table = _sets((2, 0), (3, 1))
    measured = comparison_metrics(np.array([1.0, 0.0, np.nan, np.nan, np.nan]), table)
    assert np.isnan(measured[1]).all()
    assert list(per_person(measured, table)) == ["p0"]


def test_a_person_with_many_comparisons_counts_once(comparisons: list[Comparison]) -> None:
    more = [
        *comparisons,
        *(dataclasses.replace(each, key=f"{each.key}+") for each in comparisons if each.person_id == "ada"),
    ]
    table = comparison_table(more)
    right = np.zeros(len(table.offered))
    right[table.chosen_at] = 1.0
    of_ada = table.person[table.owner] == table.log.people.index("ada")
    people = per_person(comparison_metrics(np.where(of_ada, -right, right), table), table)
    assert np.mean([row[0] for row in people.values()]) == pytest.approx(2 / 3)


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
