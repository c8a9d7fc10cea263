"""The gate report as a person reads it on a version: decision, reason, table, histories, calibration."""

from __future__ import annotations

from components.domain.verdict import promotion_changes
from components.domain.verdict.calibration import calibration_error
from components.domain.verdict.clusters import number_of_people
from components.domain.verdict.evaluation import HISTORIES, EvaluationReport
from components.domain.verdict.metrics import Interval


def as_markdown(report: EvaluationReport) -> str:
    """Formats the evaluation as Markdown, the best model first."""
    test = report.test
    lines = [
        f"**Gate: {report.gate.decision.upper()}.** {report.gate.reason}",
        "",
        f"Held out: {test.comparisons:,} comparisons of {number_of_people(test.people)}; means over people.",
        "",
        "| model | kind | pair accuracy | top-1 | NDCG | people | best candidate minus it |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in report.best_first:
        gap = _cell(result.best_minus_it, "+") if result.best_minus_it else "it is the best"
        means = f"{result.top1.mean:.3f} | {result.ndcg.mean:.3f}"
        pair = _cell(result.pair_accuracy)
        lines.append(f"| {name} | {result.kind} | {pair} | {means} | {result.people:,} | {gap} |")
    changes = promotion_changes.as_markdown(report.promotion) if report.promotion else []
    return "\n".join([*lines, *changes, *_by_history(report), *_calibrated(report)])


def _by_history(report: EvaluationReport) -> list[str]:
    """Writes a table of pair accuracy by number of past opinions; no lines if that was not measured."""
    slices = {
        part.removeprefix(HISTORIES): rows
        for part, rows in report.slices.items()
        if part.startswith(HISTORIES)
    }
    if not slices:
        return []
    names = list(dict.fromkeys(name for rows in slices.values() for name in rows))
    lines = ["", "Pair accuracy by the number of past opinions:", ""]
    lines += [f"| past opinions | {' | '.join(slices)} |", "|---" * (1 + len(slices)) + "|"]
    for name in names:
        cells = [f"{rows[name].mean:.3f}" if name in rows else "" for rows in slices.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _calibrated(report: EvaluationReport) -> list[str]:
    errors = [f"{name} {calibration_error(bins):.3f}" for name, bins in report.calibration.items()]
    if not errors:
        return []
    return ["", f"Calibration: mean distance of stated from observed probability: {', '.join(errors)}."]


def _cell(interval: Interval, sign: str = "") -> str:
    return f"{interval.mean:{sign}.3f} ({interval.bounds(f'{sign}.3f')})"
