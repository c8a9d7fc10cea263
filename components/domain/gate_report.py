"""The gate report as a person reads it on a model version: the decision, its reason, and the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_markdown(evaluation: Mapping[str, Any]) -> str:
    """The content of reports/evaluation.json as Markdown, the best model first."""
    gate, test = evaluation["gate"], evaluation["test"]
    lines = [
        f"**Gate: {gate['decision'].upper()}.** {gate['reason']}",
        "",
        f"Held out: {test['comparisons']:,} comparisons of {test['people']:,} people; means over people.",
        "",
        "| model | kind | pair accuracy | top-1 | NDCG | people | best candidate minus it |",
        "|---|---|---|---|---|---|---|",
    ]
    best_first = sorted(evaluation["models"].items(), key=lambda each: -each[1]["pair_accuracy"]["mean"])
    for name, row in best_first:
        gap = _interval(row["best_minus_it"], "+") if row["best_minus_it"] else "it is the best"
        means = f"{row['top1']['mean']:.3f} | {row['ndcg']['mean']:.3f}"
        pair = _interval(row["pair_accuracy"])
        lines.append(f"| {name} | {row['kind']} | {pair} | {means} | {row['people']:,} | {gap} |")
    return "\n".join(lines)


def _interval(row: Mapping[str, float], sign: str = "") -> str:
    return f"{row['mean']:{sign}.3f} ({row['low']:{sign}.3f} to {row['high']:{sign}.3f})"
