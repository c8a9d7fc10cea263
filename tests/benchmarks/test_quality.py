"""The benchmark's table is the mean over seeds, with the widest bounds of a seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import quality
from components.domain.verdict.evaluation import EvaluationReport, HeldOut, Kind, ModelResult, SliceResult
from components.domain.verdict.gate import GateResult
from components.domain.verdict.metrics import Interval

NONE = Interval(0.0, 0.0, 0.0)


def _night(seed: int, better_by: float) -> quality.Night:
    """A candidate that is better than its rival by so much, with bounds as wide as the seed."""
    unseen = SliceResult(better_by, 0.0, 2 * better_by, people=7, comparisons=9)
    gap = Interval(better_by, better_by - seed / 10, better_by + seed / 100)
    report = EvaluationReport(
        models={"vectors": _result("candidate", 0.5 + better_by, None), "rule": _result("rule", 0.5, gap)},
        gate=GateResult("fail", f"reason {seed}", "vectors", "rule", NONE, 0.95),
        slices={"unseen people": {"vectors": unseen}},
        confidence=0.95,
        test=HeldOut(comparisons=40, people=40),
        adapters={},
        base={},
        prompt_hash="",
    )
    return quality.Night(seed, report, 2048.0 * seed)


def _result(kind: Kind, pair_accuracy: float, gap: Interval | None) -> ModelResult:
    return ModelResult(kind, Interval(pair_accuracy, 0.0, 1.0), NONE, NONE, 40, 40, gap)


def test_the_mean_is_over_seeds_with_the_widest_bounds_of_any() -> None:
    report = quality._report("canteen", "abc", [_night(1, 0.1), _night(2, 0.3)]) | {"command": "canteen"}
    assert report["best"] == "vectors"
    assert report["models"]["vectors"]["best_minus_it"] is None
    gap = report["models"]["rule"]["best_minus_it"]
    assert (gap.mean, gap.low, gap.high) == pytest.approx((0.2, 0.0, 0.32))
    assert report["models"]["vectors"]["by_seed"] == pytest.approx([0.6, 0.8])
    page = quality._page(report)
    assert "| unseen people | vectors | 0.200 (0.000 to 0.600) | 7 |" in page
    assert "`python -m benchmarks.quality canteen` at commit abc" in page
    assert "- fail: reason 1" in page
    assert "- fail: reason 2" in page
    assert "\n4.0 GB." in page


@pytest.mark.parametrize("by", ["time", "source"])
def test_a_validation_never_sees_what_is_tested(tmp_path: Path, by: str) -> None:
    table = tmp_path / "events.csv"
    rows = [f"p,d{day},like,2026-01-0{day}T12:00:00,{'test' if day > 7 else 'train'}" for day in range(1, 10)]
    table.write_text("\n".join(["person_id,dish_id,kind,occurred_at,source", *rows]))
    split = {"by": by, "test_days": 2, "test_sources": ["test"]}
    instead = quality._without_test(table, split)
    assert table.read_text().split()[1:] == rows[:7]
    assert instead == ({} if by == "time" else {"by": "within_person", "test_sources": []})
