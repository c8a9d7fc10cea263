"""The table measures every contender on what it scored, and the gate reads the rivals among them."""

from __future__ import annotations

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict.evaluation import Kind
from components.domain.verdict.table import Contender, ResultTable


@pytest.fixture
def test(comparisons: list[Comparison]) -> Comparisons:
    return comparison_table(comparisons)


def _right(test: Comparisons, share: float, seed: int = 0) -> np.ndarray:
    """Scores that put the chosen dish first in a share of the comparisons, and last in the others."""
    scores = np.random.default_rng(seed).random(len(test.offered))
    first = np.random.default_rng(seed + 1).random(len(test)) < share
    scores[test.chosen_at] = np.where(first, 2.0, -1.0)
    return scores


def _table(test: Comparisons, **contenders: tuple[Kind, np.ndarray]) -> ResultTable:
    rows = [Contender(name, kind, scores) for name, (kind, scores) in contenders.items()]
    return ResultTable(test, rows, 0.95)


def test_the_best_candidate_is_held_against_rivals_alone(test: Comparisons) -> None:
    perfect, half = _right(test, 1.0), _right(test, 0.5)
    table = _table(
        test,
        one=("candidate", half),
        two=("candidate", perfect),
        rule=("rule", half),
        names=("ablation", perfect),
    )
    assert table.best == "two"
    assert set(table.differences) == set(table.gaps()) == {"rule"}
    assert table.gaps()["rule"].mean == pytest.approx(float(np.nanmean(table.differences["rule"])))
    results = table.results()
    assert results["two"].best_minus_it is None
    assert results["names"].best_minus_it is not None
    assert results["names"].best_minus_it.mean == 0.0


def test_a_contender_that_scored_a_part_is_compared_on_that_part(test: Comparisons) -> None:
    part = np.isin(test.owner, [0, 4])
    few = np.where(part, _right(test, 1.0), np.nan)
    results = _table(test, new=("candidate", _right(test, 1.0)), base=("untuned", few)).results()
    assert (results["base"].people, results["base"].comparisons) == (2, 2)
    assert results["base"].best_minus_it is not None
    assert results["base"].best_minus_it.mean == 0.0


def test_a_slice_needs_two_people_whom_the_contender_scored(test: Comparisons) -> None:
    others = np.where((test.person == 2)[test.owner], _right(test, 1.0), np.nan)
    table = _table(test, new=("candidate", _right(test, 1.0)), base=("untuned", others))
    assert set(table.slice(test.person < 2, ["new", "base"])) == {"new"}
    of_one = test.person == 0
    assert table.slice(of_one, ["new"]) == {}
    both = table.slice(test.person < 2, ["new"])["new"]
    assert (both.people, both.comparisons, both.mean) == (2, 8, 1.0)
