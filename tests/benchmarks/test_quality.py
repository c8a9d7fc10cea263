"""The benchmark's table is the mean over seeds of people, with the interval over people, not over seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from components.domain.verdict.evaluation import EvaluationReport, HeldOut, Kind, ModelResult, SliceResult
from components.domain.verdict.gate import GateResult
from components.domain.verdict.metrics import Interval

NONE = Interval(0.0, 0.0, 0.0)


def _night(seed: int, better_by: float) -> quality.Night:
    """A candidate that is better than its rival for half the people, and as good for the rest."""
    best = {f"p{n}": np.array([0.5 + better_by * (n % 2), 0.3, 0.6]) for n in range(40)}
    its = {person: np.concatenate([metrics, metrics]) for person, metrics in best.items()}
    rival = {person: np.concatenate([[0.5, 0.2, 0.6], metrics]) for person, metrics in best.items()}
    unseen = SliceResult(better_by, 0.0, 2 * better_by, people=7, comparisons=9)
    report = EvaluationReport(
        models={"vectors": _result("candidate", 0.5 + better_by / 2), "rule": _result("rule", 0.5)},
        gate=GateResult("fail", f"reason {seed}", "vectors", "rule", NONE, 0.95),
        slices={"unseen people": {"vectors": unseen}},
        confidence=0.95,
        test=HeldOut(comparisons=40, people=40),
        adapters={},
        base={},
        prompt_hash="",
    )
    return quality.Night(seed, report, {"vectors": its, "rule": rival}, 2048.0 * seed)


def _result(kind: Kind, pair_accuracy: float) -> ModelResult:
    return ModelResult(kind, Interval(pair_accuracy, 0.0, 1.0), NONE, NONE, 40, 40, None)


def test_the_mean_is_over_seeds_first_and_its_interval_over_people() -> None:
    report = quality._report("canteen", "abc", [_night(1, 0.1), _night(2, 0.3)])
    assert report["best"] == "vectors"
    assert report["models"]["vectors"]["best_minus_it"] is None
    rule = report["models"]["rule"]
    assert rule["best_minus_it"].mean == pytest.approx(0.1)  # 0.2 for half the people
    assert 0.06 < rule["best_minus_it"].low < 0.1 < rule["best_minus_it"].high < 0.14
    assert rule["top1_best_minus_it"].mean == pytest.approx(0.1)
    assert report["models"]["vectors"]["by_seed"] == pytest.approx([0.55, 0.65])
    page = quality._page(report)
    assert "| unseen people | vectors | 0.200 (0.000 to 0.600) | 7 |" in page
    assert "- fail: reason 1" in page
    assert "- fail: reason 2" in page
    assert "\n4.0 GB." in page


def test_a_rival_that_scored_less_is_met_on_what_it_scored() -> None:
    night = _night(1, 0.0)
    for metrics in night.people["rule"].values():
        metrics[3] = 0.9  # these were easy for the best, which has 0.5 over all that it scored
    report = quality._report("canteen", "abc", [night])
    assert report["models"]["rule"]["best_minus_it"].mean == pytest.approx(0.4)


def test_only_people_whom_every_seed_measured_count() -> None:
    one, other = _night(1, 0.1).people, _night(2, 0.1).people
    del other["rule"]["p3"]
    mean = quality._mean([one, other])
    assert len(mean["rule"]) == 39
    assert len(mean["vectors"]) == 40


@pytest.mark.parametrize("by", ["time", "source"])
def test_a_validation_never_sees_what_is_tested(tmp_path: Path, by: str) -> None:
    table = tmp_path / "events.csv"
    rows = [f"p,d{day},like,2026-01-0{day}T12:00:00,{'test' if day > 7 else 'train'}" for day in range(1, 10)]
    table.write_text("\n".join(["person_id,dish_id,kind,occurred_at,source", *rows]))
    split = {"by": by, "test_days": 2, "test_sources": ["test"]}
    instead = quality._without_test(table, split)
    assert table.read_text().split()[1:] == rows[:7]
    assert instead == ({} if by == "time" else {"by": "within_person", "test_sources": []})
