"""The benchmark's table is the mean over seeds of people, with the interval over people, not over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import quality


def _night(seed: int, better_by: float) -> dict[str, Any]:
    """A candidate that is better than its rival for half the people, and as good for the rest."""
    best = {f"p{n}": np.array([0.5 + better_by * (n % 2), 0.3, 0.6]) for n in range(40)}
    own = {person: np.concatenate([row, row]) for person, row in best.items()}
    rival = {person: np.concatenate([[0.5, 0.2, 0.6], row]) for person, row in best.items()}
    row = {"kind": "rule", "pair_accuracy": {"mean": 0.5}}
    candidate = {"kind": "candidate", "pair_accuracy": {"mean": 0.5 + better_by / 2}}
    evaluation = {
        "models": {"vectors": candidate, "rule": row},
        "gate": {"reason": f"reason {seed}", "decision": "fail"},
        "slices": {
            "unseen people": {"vectors": {"mean": better_by, "low": 0.0, "high": 2 * better_by, "people": 7}}
        },
    }
    people = {"vectors": own, "rule": rival}
    return {"seed": seed, "evaluation": evaluation, "people": people, "largest_process_mb": 2048.0 * seed}


def test_the_mean_is_over_seeds_first_and_its_interval_over_people() -> None:
    nights = [_night(1, 0.1), _night(2, 0.3)]
    report = quality._report("canteen", "abc", nights, quality._mean([night["people"] for night in nights]))
    assert report["best"] == "vectors"
    row = report["models"]["rule"]
    assert row["best_minus_it"]["mean"] == pytest.approx(0.1)  # 0.2 for half the people
    assert 0.06 < row["best_minus_it"]["low"] < 0.1 < row["best_minus_it"]["high"] < 0.14
    assert row["top1_best_minus_it"]["mean"] == pytest.approx(0.1)
    assert report["models"]["vectors"]["by_seed"] == pytest.approx([0.55, 0.65])
    page = quality._page(report)
    assert "| unseen people | vectors | 0.200 (0.000 to 0.600) | 7 |" in page
    assert "reason 1" in page
    assert "reason 2" in page
    assert "\n4.0 GB." in page


def test_a_rival_that_was_asked_less_is_met_on_what_it_was_asked() -> None:
    night = _night(1, 0.0)
    for row in night["people"]["rule"].values():
        row[3] = 0.9  # the best found these easy, and has 0.5 over all of its own
    report = quality._report("canteen", "abc", [night], quality._mean([night["people"]]))
    assert report["models"]["rule"]["best_minus_it"]["mean"] == pytest.approx(0.4)


def test_only_people_whom_every_seed_measured_count() -> None:
    one, other = _night(1, 0.1)["people"], _night(2, 0.1)["people"]
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
