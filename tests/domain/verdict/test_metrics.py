"""Metrics per person, ties in expectation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.metrics import (
    comparison_metrics,
    per_person,
)
from tests.domain.rivals.tastes import NOW


def _sets(*chosen: tuple[int, int]) -> Comparisons:
    """One comparison for each pair of a size and the position of the chosen dish."""
    names = [tuple(f"d{number}" for number in range(size)) for size, _ in chosen]
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
