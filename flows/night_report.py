"""What a night tells: the table on the terminal and the page in reports/."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from components.integrations import pages
from components.stages.paths import CHECKS, EVALUATION, REPORTS, read_json
from flows.environment import REPO
from flows.steps.bento import Packaged
from flows.steps.data import Collection, Versions
from flows.steps.registration import Registered
from flows.steps.release import Outcome

P = ParamSpec("P")
R = TypeVar("R")

PAGE = REPORTS / "night.html"


@dataclass
class NightReport:
    """Gathers what each step of a night gave and how long it took (seconds)."""

    started: float
    seconds: dict[str, float] = field(default_factory=dict)
    ran: dict[str, bool] = field(default_factory=dict)
    collected: Collection | None = None
    versions: Versions | None = None
    registered: Registered | None = None
    preview: Packaged | None = None
    outcome: Outcome | None = None

    def timed(self, name: str, step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a step, remembers its seconds, and whether it had anything to do."""
        before = time.monotonic()
        result = step(*args, **kwargs)
        self.seconds[name] = time.monotonic() - before
        if isinstance(result, bool):
            self.ran[name] = result
        return result

    @property
    def nothing_new(self) -> bool:
        """Whether this night found everything as the last one left it."""
        return not any(self.ran.values()) and not (self.registered and self.registered.new)


def facts(report: NightReport) -> list[tuple[str, str]]:
    """(what, value) rows, in the order of the night."""
    assert report.collected
    assert report.versions
    assert report.registered
    checks, gate = read_json(REPO / CHECKS), read_json(REPO / EVALUATION)["gate"]
    rows = [
        (f"{table} in", _counts(counts))
        for table, counts in report.collected.counts.items()
        if counts.rows_in
    ]
    rows += [
        ("inbox", report.collected.inbox),
        ("events in all", f"{report.collected.events:,}"),
        ("data version", f"{report.versions.data_md5} (DVC md5 of data/events)"),
        ("checks", f"{checks['passed']} passed, {checks['failed']} failed"),
        ("gate", f"{gate['decision'].upper()}: {gate['reason']}"),
        ("model version", _version(report.registered)),
        ("champion", f"version {report.registered.champion}" if report.registered.champion else "none yet"),
        ("release", _release(report)),
    ]
    return rows


def _counts(counts: Any) -> str:
    return (
        f"{counts.rows_in:,} rows = {counts.accepted:,} accepted + {counts.duplicates:,} duplicates "
        f"+ {counts.quarantined:,} quarantined"
    )


def _version(registered: Registered) -> str:
    state = "registered tonight" if registered.new else "registered before; nothing was registered twice"
    alias = "alias challenger" if registered.passed else "no alias: the gate failed"
    return f"{registered.version} ({state}; {alias})"


def _release(report: NightReport) -> str:
    if report.preview:
        built = "built tonight" if report.preview.new else "built before"
        return f"{report.preview.tag} (PREVIEW, not promoted; {built})"
    assert report.outcome
    return report.outcome.said


def as_text(report: NightReport) -> str:
    """The table that ends a night on the terminal."""
    took = ", ".join(f"{name} {seconds:.0f}" for name, seconds in report.seconds.items())
    total = time.monotonic() - report.started
    lines = ["", *_columns(facts(report)), "", *_models(), "", f"seconds: {took}; in all {total:.0f}"]
    if report.nothing_new:
        lines += ["Nothing new: nothing was retrained and nothing was registered twice."]
    return "\n".join([*lines, "", "Look at:", *_columns(_WHERE_TO_LOOK)])


_WHERE_TO_LOOK = [
    ("  the night's report", str(PAGE)),
    ("  the data checks (Data Docs)", str(REPORTS / "checks.html")),
    ("  MLflow", "make mlflow"),
    ("  the service", "make serve"),
    ("  past nights", "git log nights"),
]


def _models() -> list[str]:
    """Every model with its intervals, best first, and which rows were scored on fewer people."""
    models = read_json(REPO / EVALUATION)["models"]
    rows = [("held out, per person", "pair accuracy", "", "top-1", "NDCG", "people", "best minus it")]
    for name, row in sorted(models.items(), key=lambda item: -item[1]["pair_accuracy"]["mean"]):
        pair, gap = row["pair_accuracy"], row["best_minus_it"]
        rows.append(
            (
                f"{'* ' if row['kind'] == 'candidate' else '  '}{name}",
                f"{pair['mean']:.3f}",
                f"{pair['low']:.3f} to {pair['high']:.3f}",
                f"{row['top1']['mean']:.3f}",
                f"{row['ndcg']['mean']:.3f}",
                f"{row['people']:,}",
                f"{gap['mean']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
                if gap
                else "the best candidate",
            )
        )
    fewest = min(row["people"] for row in models.values())
    note = "  * candidate; rows with fewer people than the candidates were scored on a seeded subset "
    return [*_columns(rows), f"{note}({fewest:,} people) and are compared on it"]


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def write_page(report: NightReport) -> None:
    """The night's report as a page that works offline."""
    evaluation = read_json(REPO / EVALUATION)
    page = pages.night_page(evaluation, facts(report), REPO / REPORTS / "evaluation.png")
    (REPO / PAGE).write_text(page, encoding="utf-8")
