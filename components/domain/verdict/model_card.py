"""The card of a version: what it is for, what it learnt from, how it was judged, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.domain.verdict.evaluation import EvaluationReport
from components.domain.verdict.gate_report import as_markdown

LIMITS = (
    "It ranks dishes; it says nothing of health. Allergies and diets are applied outside of it, by words, "
    "and are no medical guarantee. Children, pregnancy and medical diets are not covered.",
    "It was judged on the people and days above. People with shorter histories, other kitchens and other "
    "languages may be served worse: look at the parts.",
    "What people liked depends on what they were offered, also by an earlier version.",
    "People who were forgotten after it was trained stay in its weights until a later night trains anew.",
)


@dataclass(frozen=True)
class Trained:
    """What a version was trained on, and with which settings.

    Attributes:
        candidate: Name of the candidate in params.yaml, or of the rule.
        base: Id of the base model; empty for a rule.
        licence: Licence of the base model; empty where its package names none.
        data_md5: DVC md5 of the accepted data.
        events: Number of accepted events.
        settings: Names and values of the settings that repeat the training.
    """

    candidate: str
    base: str
    licence: str
    data_md5: str
    events: int
    settings: Mapping[str, object]


def model_card(trained: Trained, report: EvaluationReport) -> str:
    """Writes the card as Markdown.

    Args:
        report: Evaluation of the night that registered the version.
    """
    licence = f", {trained.licence}" if trained.licence else ""
    lines = [
        f"# Palate: {trained.candidate}",
        "",
        "Ranks dishes for a person by what they ate, liked and rated before.",
        "",
        "## Learnt from",
        *([f"- Base model {trained.base}{licence}"] if trained.base else []),
        f"- {trained.events:,} events of data version {trained.data_md5}",
        *(f"- {name}: {value}" for name, value in trained.settings.items()),
        "",
        "## Judged",
        as_markdown(report),
        *_slices(report),
        "",
        "## Limits",
        *(f"- {limit}" for limit in LIMITS),
        "",
    ]
    return "\n".join(lines)


def _slices(report: EvaluationReport) -> list[str]:
    """Writes the lines of a table of the best candidate's pair accuracy by part of the test."""
    best = report.gate.candidate
    rows = [
        f"| {part} | {results[best].mean:.3f} ({results[best].bounds()}) | "
        f"{results[best].people:,} | {results[best].comparisons:,} |"
        for part, results in report.slices.items()
        if best in results
    ]
    head = ["", f"Pair accuracy of {best} by part of what was held out:", ""]
    return (
        [*head, "| part | pair accuracy | people | comparisons |", "|---|---|---|---|", *rows] if rows else []
    )
