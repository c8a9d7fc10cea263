"""The tables of a night's report: every model with its intervals, and how the service's answers fared."""

from __future__ import annotations

from collections.abc import Sequence

from components.domain.answer_rates import AnswerRates
from components.domain.ranker.more_opinions import LEVEL
from components.domain.verdict.clusters import number_of_people
from components.domain.verdict.metrics import Interval
from components.stages.paths import EVALUATION
from components.stages.reports import read_report
from flows.environment import REPO


def models() -> list[str]:
    """Lists every model with its intervals, best first, and notes which were scored on fewer people."""
    report = read_report(REPO / EVALUATION)
    if not report.models:
        return ["held out: nothing, see the gate"]
    lines = [("held out, per person", "pair accuracy", "", "top-1", "NDCG", "people", "best minus it")]
    for name, result in report.best_first:
        lines.append(
            (
                f"{'* ' if result.kind == 'candidate' else '  '}{name}",
                f"{result.pair_accuracy.mean:.3f}",
                result.pair_accuracy.bounds(),
                f"{result.top1.mean:.3f}",
                f"{result.ndcg.mean:.3f}",
                f"{result.people:,}",
                gap(result.best_minus_it) if result.best_minus_it else "the best candidate",
            )
        )
    people = {result.people for result in report.models.values()}
    note = "; models with fewer people than the candidates were scored on a seeded subset "
    note += f"({number_of_people(min(people))}) and are compared on it"
    return [*columns(lines), f"  * candidate{note if len(people) > 1 else ''}"]


def ranked_people() -> list[tuple[str, str]]:
    """Counts the people who are ranked better than chance; empty where nobody could be tested."""
    people = read_report(REPO / EVALUATION).ranked_people
    if people is None:
        return []
    words = f"{people.better:,} of {people.tested:,} ranked better than chance, by their own opinions"
    lucky = f"if all judged at random, about {LEVEL * people.tested:.0f}"
    return [("people", f"{words} ({people.candidate}; {lucky})")]


def promotion() -> list[tuple[str, str]]:
    """Says what a promotion of the best candidate would change; empty where nobody is tested."""
    changes = read_report(REPO / EVALUATION).promotion
    return [("promotion", f"would change {changes.everybody}, against {changes.rival}")] if changes else []


def rates(rows: Sequence[AnswerRates]) -> list[tuple[str, ...]]:
    """Lists how the service's answers fared, by day and version."""
    lines: list[tuple[str, ...]] = [
        ("answers of", "version", "answers", "with feedback", "dishes judged", "positive", "position")
    ]
    lines += [
        (
            row.day.isoformat(),
            row.model_version,
            f"{row.answers:,}",
            _share(row.joined),
            f"{row.judged:,}",
            _share(row.positive),
            "" if row.position is None else f"{row.position:.1f}",
        )
        for row in rows
    ]
    return lines


def _share(interval: Interval | None) -> str:
    return f"{interval.mean:.0%} ({interval.bounds('.0%')})" if interval else ""


def gap(interval: Interval) -> str:
    """Writes a difference with its sign and its interval."""
    return f"{interval.mean:+.3f} ({interval.bounds('+.3f')})"


def columns(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Pads the cells so that they stand below each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
