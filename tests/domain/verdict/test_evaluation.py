"""The report survives its file, and a torn or foreign file is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.domain.errors import StageFailed
from components.domain.verdict.evaluation import (
    EvaluationReport,
    HeldOut,
    ModelResult,
    RankedPeople,
    SliceResult,
)
from components.domain.verdict.gate import GateResult
from components.domain.verdict.gate_report import as_markdown
from components.domain.verdict.metrics import Interval
from components.stages.reports import read_report, write_report

GAP = Interval(-0.01, -0.02, 0.01)
PAIR = Interval(0.7, 0.6, 0.8)
REPORT = EvaluationReport(
    models={
        "rule": ModelResult("rule", Interval(0.6, 0.5, 0.7), PAIR, PAIR, 40, 90, GAP),
        "new": ModelResult("candidate", PAIR, PAIR, PAIR, 40, 90, None),
    },
    gate=GateResult("fail", "new does not clearly beat rule", "new", "rule", GAP, 0.95),
    slices={"unseen people": {"new": SliceResult(0.7, 0.6, 0.8, people=3, comparisons=9)}},
    confidence=0.95,
    test=HeldOut(90, 40),
    adapters={"new": "a" * 64},
    base={"id": "package:base", "sha256": "b" * 64},
    prompt_hash="c" * 16,
    ranked_people=RankedPeople("new", 200, 41),
)


def test_the_report_survives_its_file(tmp_path: Path) -> None:
    write_report(tmp_path / "evaluation.json", REPORT)
    assert read_report(tmp_path / "evaluation.json") == REPORT


@pytest.mark.parametrize("content", ["", "{", "[]", '{"models": {}}'])
def test_a_file_that_is_no_report_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(content)
    with pytest.raises(StageFailed, match="is no evaluation report"):
        read_report(path)


def test_the_markdown_has_the_best_first_and_the_gates_reason() -> None:
    lines = as_markdown(REPORT).splitlines()
    assert lines[0] == "**Gate: FAIL.** new does not clearly beat rule"
    assert [line.split("|")[1].strip() for line in lines[-2:]] == ["new", "rule"]
    assert "it is the best" in lines[-2]
    assert "-0.010 (-0.020 to +0.010)" in lines[-1]
