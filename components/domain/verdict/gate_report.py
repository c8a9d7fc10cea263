"""The gate report as a person reads it on a model version: the decision, its reason, and the whole table."""

from __future__ import annotations

from components.domain.verdict.evaluation import EvaluationReport
from components.domain.verdict.metrics import Interval


def as_markdown(report: EvaluationReport) -> str:
    """The evaluation as Markdown, the best model first."""
    test = report.test
    lines = [
        f"**Gate: {report.gate.decision.upper()}.** {report.gate.reason}",
        "",
        f"Held out: {test.comparisons:,} comparisons of {test.people:,} people; means over people.",
        "",
        "| model | kind | pair accuracy | top-1 | NDCG | people | best candidate minus it |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in report.best_first:
        gap = _cell(result.best_minus_it, "+") if result.best_minus_it else "it is the best"
        means = f"{result.top1.mean:.3f} | {result.ndcg.mean:.3f}"
        pair = _cell(result.pair_accuracy)
        lines.append(f"| {name} | {result.kind} | {pair} | {means} | {result.people:,} | {gap} |")
    return "\n".join(lines)


def _cell(interval: Interval, sign: str = "") -> str:
    return f"{interval.mean:{sign}.3f} ({interval.low:{sign}.3f} to {interval.high:{sign}.3f})"
