"""The table of the gate report says what the evaluation says, to three decimals."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from components.domain.verdict.evaluation import EvaluationReport, HeldOut, ModelResult
from components.domain.verdict.gate import Decision, GateResult
from components.domain.verdict.gate_report import as_markdown
from components.domain.verdict.metrics import Interval

ZERO = Interval(0.0, 0.0, 0.0)
GATE = GateResult("pass", "новый beats rule", "новый", "rule", ZERO, 0.95)
REPORT = EvaluationReport({}, GATE, {}, 0.95, HeldOut(1234567, 1), {}, {}, "")


def _rows(models: dict[str, ModelResult]) -> list[list[str]]:
    """The cells of the table, without its head."""
    text = as_markdown(replace(REPORT, models=models))
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert len({len(row) for row in rows}) == 1
    return rows[1:]


@pytest.mark.parametrize("seed", range(10))
def test_every_number_can_be_read_back_best_first(seed: int) -> None:
    draw, models = np.random.default_rng(seed), dict[str, ModelResult]()
    for number in range(int(draw.integers(0, 8))):
        pair, top, ndcg, gap = (Interval(*draw.normal(size=3).tolist()) for _ in range(4))
        models[f"m{number}"] = ModelResult("rule", pair, top, ndcg, int(draw.integers(9999)), 9, gap)
    rows = _rows(models)
    assert [row[0] for row in rows] == sorted(models, key=lambda name: -models[name].pair_accuracy.mean)
    for name, kind, *cells in rows:
        result = models[name]
        assert result.best_minus_it
        pair, gap = vars(result.pair_accuracy).values(), vars(result.best_minus_it).values()
        expected = [*pair, result.top1.mean, result.ndcg.mean, result.people, *gap]
        numbers = re.findall(r"[-+]?\d+(?:\.\d+)?", " ".join(cells).replace(",", ""))
        assert [float(number) for number in numbers] == pytest.approx(expected, abs=0.00051)
        assert kind == "rule"


@pytest.mark.parametrize("decision", ["pass", "fail", "inconclusive"])
def test_the_decision_and_its_reason_come_first_and_counts_have_thousands(decision: Decision) -> None:
    first, _, held_out, *_ = as_markdown(replace(REPORT, gate=replace(GATE, decision=decision))).splitlines()
    assert first == f"**Gate: {decision.upper()}.** новый beats rule"
    assert held_out.startswith("Held out: 1,234,567 comparisons of 1 person;")


def test_models_that_tie_stay_in_their_order() -> None:
    twin = ModelResult("candidate", ZERO, ZERO, ZERO, 1, 1, None)
    names, *_, gaps = zip(*_rows({"b": twin, "a": twin}), strict=True)
    assert (names, set(gaps)) == (("b", "a"), {"it is the best"})
