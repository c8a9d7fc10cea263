"""The gate passes what is clearly better than every rival, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from components.domain.verdict.gate import judge
from components.domain.verdict.metrics import Bootstrap

BOOTSTRAP = Bootstrap(500, 0.95, 0)


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
    result = judge("new", rivals, 1, BOOTSTRAP)
    assert (result.decision, result.rival) == ("pass", "rule")


@pytest.mark.parametrize("gap", [0.0, 0.002])
def test_a_tie_is_a_no(gap: float) -> None:
    noise = np.random.default_rng(2).normal(0, 0.2, 100)
    other = np.random.default_rng(3).normal(0, 0.2, 100)
    pair = _people(list(0.7 + gap + noise)), _people(list(0.7 + other))
    result = judge("new", {"rule": pair}, 1, BOOTSTRAP)
    assert result.decision == "fail"
    assert "does not clearly beat rule" in result.reason


def test_equal_scores_are_a_no() -> None:
    same = _people([0.6, 0.7, 0.8])
    assert judge("new", {"champion": (same, same)}, 1, BOOTSTRAP).decision == "fail"


def test_the_interval_widens_with_the_number_of_candidates() -> None:
    rows = _people(list(np.random.default_rng(4).normal(0.7, 0.1, 50)))
    rivals = {"rule": (rows, _people(list(np.random.default_rng(5).normal(0.6, 0.1, 50))))}
    one, four = (judge("a", rivals, candidates, BOOTSTRAP) for candidates in (1, 4))
    assert four.confidence == pytest.approx(0.9875)
    assert four.difference.low < one.difference.low
