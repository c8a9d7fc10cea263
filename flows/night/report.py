"""What a night reports: the table on the terminal and the page in reports/."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from httpx import HTTPError
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from components.domain.answer_rates import AnswerRates
from components.domain.params import Params
from components.domain.preferences.events import Counts
from components.domain.verdict import judging
from components.domain.verdict.ledger import from_json
from components.files import read_json, read_state
from components.integrations import pages
from components.integrations.model_registry.addresses import version_page
from components.stages.paths import ADAPTERS, CHECKS, DATA_DOCS, EVALUATION, LEDGER, QUARANTINE, REPORTS
from components.stages.reports import read_report
from flows import console
from flows.environment import REPO
from flows.night import tables
from flows.night.data import Collection
from flows.night.tonight import Night
from flows.registry import Registered

P = ParamSpec("P")
R = TypeVar("R")

REASONS = 3  # of quarantined rows that the table names
PAGE = REPORTS / "night.html"
_WHERE_TO_LOOK = [
    ("  the night's report", str(PAGE)),
    ("  the data checks", f"{REPORTS / 'checks.html'}, {DATA_DOCS / 'index.html'}"),
    ("  the service", "make serve"),
    ("  past nights", "git log nights --first-parent --grep='^Night: '"),
]


@dataclass
class NightReport:
    """Gathers the result of each step of a night and how long it took.

    Attributes:
        started: Moment of the start, seconds on the monotonic clock.
        steps: Number of steps.
        last: Seconds of each step when it last had anything to do.
        seconds: Duration of each step by name.
        ran: For each step that may find its work done already, whether it had anything to do.
        collection: Numbers of accepted and refused rows.
        night: Settings and data version.
        registered: The version of the best candidate.
        delivery: Sentence on what is released or packaged.
        rates: How the service's answers of the last days fared; empty where nobody gave feedback.
        erasures: Sentence on the people whom the service had queued; empty where there were none.
        recall: Sentence on people who were shown dishes that are unsafe for them now; empty for nobody.
        next_step: Sentence on what a person can do now.
    """

    started: float = field(default_factory=time.monotonic)
    steps: int = 0
    last: Mapping[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    ran: dict[str, bool] = field(default_factory=dict)
    collection: Collection | None = None
    night: Night | None = None
    registered: Registered | None = None
    delivery: str = ""
    rates: list[AnswerRates] = field(default_factory=list)
    erasures: str = ""
    recall: str = ""
    next_step: str = ""

    def timed(self, name: str, step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a step and records its seconds and whether it had anything to do."""
        left = sum(seconds for step, seconds in self.last.items() if step not in self.seconds)
        words = f", about {timedelta(seconds=round(left))} left by the last nights" if self.last else ""
        console.show(f"step {len(self.seconds) + 1} of {self.steps}: {name}{words}")
        before = time.monotonic()
        result = step(*args, **kwargs)
        self.seconds[name] = time.monotonic() - before
        if isinstance(result, bool):
            self.ran[name] = result
        return result

    @property
    def nothing_new(self) -> bool:
        """Whether this night left everything as the last one did."""
        registered = self.registered
        return not (any(self.ran.values()) or (registered and (registered.new or registered.rule_new)))


def facts(report: NightReport) -> list[tuple[str, str]]:
    """Collects the (name, value) lines of a finished night, in the order of its steps."""
    collection, night, registered = report.collection, report.night, report.registered
    if collection is None or night is None or registered is None:
        raise ValueError("a night that has not ended has no facts")
    gate = read_report(REPO / EVALUATION).gate
    return [
        *([("erasures", report.erasures)] if report.erasures else []),
        *([("recall", report.recall)] if report.recall else []),
        *((f"{table} in", _counts(counts)) for table, counts in collection.counts.items() if counts.rows_in),
        *(
            [("feedback in", _feedback(collection))]
            if collection.feedback.rows_in or any(collection.waiting)
            else []
        ),
        *(("quarantined", f"{reason}; all in {QUARANTINE}") for reason in collection.quarantined[:REASONS]),
        ("inbox", _inbox(collection, night)),
        ("events in all", f"{night.events:,}, {night.feedback_events:,} of them from feedback"),
        ("data version", f"{night.data_md5} (DVC md5 of data/events)"),
        ("checks", _checks(read_json(REPO / CHECKS))),
        ("gate", f"{gate.decision.upper()}: {gate.reason}"),
        *_what_tuning_adds(report),
        *_what_is_not_worth_tuning(report, night.params),
        *tables.promotion(),
        *tables.ranked_people(),
        ("model version", _version(registered)),
        ("champion", f"version {registered.champion}" if registered.champion else "none yet"),
        ("release", report.delivery),
        ("next step", report.next_step),
    ]


def _checks(checks: Mapping[str, Any]) -> str:
    """Writes how many checks passed, failed and warned, and names those that warned."""
    warned = (each for each in checks["results"] if each["severity"] == "warning" and not each["passed"])
    names = "; ".join(f"{each['table']} {each['column']} {each['detail']}" for each in warned)
    counts = f"{checks['passed']} passed, {checks['failed']} failed, {checks['warned']} warned"
    return counts + (f" ({names}: {REPORTS / 'checks.html'})" if names else "")


def _inbox(collection: Collection, night: Night) -> str:
    """Names the inbox, with a warning if it has brought nothing for long."""
    if night.unchanged_days < night.params.check.max_unchanged_days:
        return collection.inbox
    return (
        f"{collection.inbox}: WARNING, nothing new for {night.unchanged_days} days; is what fills it running?"
    )


def _what_tuning_adds(report: NightReport) -> list[tuple[str, str]]:
    """Compares the best candidate with the same head on the frozen base.

    The result is empty where the candidate does not tune the base.
    """
    evaluation = read_report(REPO / EVALUATION)
    best = evaluation.gate.candidate
    frozen = evaluation.models.get(f"base-{best}")
    if frozen is None or frozen.best_minus_it is None:
        return []
    cost = _cost_of_tuning(report, best)
    return [("tuning adds", f"{tables.gap(frozen.best_minus_it)} to base-{best}, for {cost}")]


def _what_is_not_worth_tuning(report: NightReport, params: Params) -> list[tuple[str, str]]:
    """Says what a night saves without each candidate whose tuning adds next to nothing."""
    confidence, ledgers = params.evaluate.confidence, from_json(read_state(REPO / LEDGER))
    tonight = {name: entry for name, entry in ledgers.items() if name in params.train.candidates}
    little = judging.gains_of_tuning(tonight, confidence)
    return [
        (
            f"without {name}",
            f"a night saves {_cost_of_tuning(report, name)}: over {days.clusters} days tuning adds at most "
            f"{days.interval(confidence).high:+.4f} to base-{name}",
        )
        for name, days in little.items()
    ]


def _cost_of_tuning(report: NightReport, name: str) -> str:
    size = (REPO / ADAPTERS / name / "adapter_model.safetensors").stat().st_size / 1e6
    step = f"train {name}"
    return f"{size:.1f} MB" + (f", {report.seconds[step]:.0f} s" if report.ran.get(step) else "")


def _counts(counts: Counts) -> str:
    forgotten = f" + {counts.forgotten:,} forgotten" if counts.forgotten else ""
    return (
        f"{counts.rows_in:,} rows = {counts.accepted:,} accepted + {counts.duplicates:,} duplicates "
        f"+ {counts.quarantined:,} quarantined{forgotten}"
    )


def _feedback(collection: Collection) -> str:
    aside, waiting = collection.waiting
    return (
        f"{_counts(collection.feedback)}; {aside:,} of unknown dishes and {waiting:,} more wait in the store"
    )


def _version(registered: Registered) -> str:
    state = "registered tonight" if registered.new else "registered before; nothing was registered twice"
    alias = "alias challenger" if registered.passed else "no alias: the gate did not pass"
    return f"{registered.version} ({state}; {alias})"


def as_text(report: NightReport) -> str:
    """Builds the table that ends a night on the terminal."""
    durations = ", ".join(f"{name} {seconds:.0f}" for name, seconds in report.seconds.items())
    total = time.monotonic() - report.started
    rates = ["", *tables.columns(tables.rates(report.rates))] if report.rates else []
    lines = [
        "",
        *tables.columns(facts(report)),
        "",
        *tables.models(),
        *rates,
        "",
        f"seconds: {durations}; in all {total:.0f}",
    ]
    if report.nothing_new:
        lines += ["Nothing new: nothing was retrained and nothing was registered twice."]
    return "\n".join(
        [*lines, "", "Look at:", *tables.columns([*_WHERE_TO_LOOK, ("  the version", _link(report))])]
    )


def _link(report: NightReport) -> str:
    """Builds the address of tonight's version in MLflow, with the command where no server runs yet."""
    if report.night is None or report.registered is None:
        raise ValueError("a night that has not ended has no version")
    uri = os.environ["MLFLOW_TRACKING_URI"]
    server = uri if uri.startswith("http") else "make mlflow, then http://127.0.0.1:5000"
    return version_page(server, report.night.params.register_.model, report.registered.version)


def publish(report: NightReport) -> None:
    """Writes the night's page, which works offline, and the table into Prefect's log of a scheduled night."""
    pictures = [
        ("Pair accuracy of every model with its interval", REPO / REPORTS / "evaluation.png"),
        ("How sure each model is, and how often it is right", REPO / REPORTS / "calibration.png"),
    ]
    page = pages.night_page(read_report(REPO / EVALUATION), facts(report), pictures, report.rates)
    (REPO / PAGE).write_text(page, encoding="utf-8")
    get_run_logger().info(as_text(report))
    try:
        create_markdown_artifact(f"```\n{as_text(report)}\n```", key="night", description="The night's table")
    except HTTPError as error:  # of Prefect's server, without which the night is as good
        logging.getLogger(__name__).warning("Prefect did not take the night's table: %s", error)
