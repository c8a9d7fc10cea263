"""`make replay SET=canteen`: the past nights of a set in order, through the whole night, as if lived through.

Each night sees one more day. A version that passes the gate becomes champion at once, as if a person had
promoted it. Writes results/replay-SET.md and a plot of quality by night.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.clones import (
    clone_head,
    commit_of,
    fill_inbox,
    flows,
    read_events,
    write_events,
    write_params,
)
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.verdict.evaluation import EvaluationReport
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION, Registry
from components.stages import paths

MODEL = "palate"  # `register.model` of params.yaml
FIRST = 4  # days that the first night has
UNTUNED = 50  # comparisons a night that the untuned base answers in context, which costs most of a night
SHOWN = ("stacked-rules", "content-history", "item-knn", "popularity", "champion")


@dataclass(frozen=True)
class ReplayedNight:
    """One replayed night.

    Attributes:
        day: The newest day in the data, which is held out.
        report: The night's evaluation.
        days: Days in the best candidate's ledger.
        seconds: Wall time of the whole night.
        champion: Version that served before the night; empty where none did.
    """

    day: str
    report: EvaluationReport
    days: int
    seconds: float
    champion: str

    @property
    def served(self) -> float:
        """Returns the pair accuracy of what served: the champion, or before the first one stacked-rules."""
        models = self.report.models
        return models["champion" if "champion" in models else "stacked-rules"].pair_accuracy.mean


def main() -> None:
    """Runs the nights and writes the page."""
    name = sys.argv[1]
    sample = REPO / "data" / "sample" / name
    if not (sample / "menus.csv").exists():
        sys.exit(f"palate: the set {name!r} has no menus by day, so no nights to replay: try SET=canteen")
    clone = clone_head(f"replay-{name}")
    nights = _replay(clone, sample)
    _plot(nights, RESULTS / f"replay-{name}.png")
    publish(RESULTS / f"replay-{name}.md", "\n".join(_page(name, commit_of(clone), nights)))


def _replay(clone: Path, sample: Path) -> list[ReplayedNight]:
    inbox = fill_inbox(clone, sample)
    events = read_events(sample / "events.csv")
    days = sorted({event["occurred_at"][:10] for event in events})
    write_params(inbox, {"split": {"test_days": 1}, "evaluate": {"subset": UNTUNED}})
    nights, champion = [], ""
    for day in days[FIRST:]:
        write_events(inbox / "events.csv", [event for event in events if event["occurred_at"][:10] <= day])
        started = time.monotonic()
        flows(clone, "nightly", "--data", str(inbox))
        seconds = time.monotonic() - started
        report = EvaluationReport.from_json(json.loads((clone / paths.EVALUATION).read_text()))
        ledgers = json.loads((clone / paths.LEDGER).read_text())["ledgers"]
        judged = len(ledgers[report.gate.candidate]["days"])
        nights.append(ReplayedNight(day, report, judged, seconds, champion))
        if report.gate.decision == "pass":
            champion = _promote(clone)
    return nights


def _promote(clone: Path) -> str:
    """Makes the challenger, which has just passed, champion, and returns its version number."""
    registry = Registry(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    version = registry.alias(MODEL, CHALLENGER)
    if version is None:
        raise LookupError("a night whose gate passed leaves a challenger")
    registry.point(MODEL, CHAMPION, version)
    return version


def _page(name: str, commit: str, nights: Sequence[ReplayedNight]) -> list[str]:
    rules = [rule for rule, result in nights[0].report.models.items() if result.kind == "rule"]
    best, mean = _best_fixed(nights, rules)
    regret = sum(mean_of(night, best) - night.served for night in nights)
    candidates = [night.report.models[night.report.gate.candidate].pair_accuracy.mean for night in nights]
    rows = [
        [
            night.day,
            f"{night.report.test.people:,}",
            f"{candidate:.3f}",
            *(f"{mean_of(night, rule):.3f}" if rule in night.report.models else "" for rule in SHOWN),
            night.report.gate.decision,
            str(night.days),
            night.champion or "none",
            f"{night.seconds:.0f}",
        ]
        for night, candidate in zip(nights, candidates, strict=True)
    ]
    shown = " | ".join(SHOWN)
    heading = f"day | people | best candidate | {shown} | gate | ledger's days | version that serves | s"
    return [
        f"# The nights of {name}, replayed",
        "",
        f"`make replay SET={name}` at {commit}. Each night sees one more day and is tested on it; pair",
        "accuracy per person. What serves is the champion or, while there is none, stacked-rules.",
        "",
        *table(heading, rows),
        "",
        f"On average the best fixed rule in hindsight, {best}, has {mean:.3f}, the best candidate",
        f"{np.mean(candidates):.3f}, what served {np.mean([night.served for night in nights]):.3f}.",
        f"Regret over all nights: {regret:+.3f}.",
        f"Last gate: {nights[-1].report.gate.reason}.",
        "",
        f"![Pair accuracy by night](replay-{name}.png)",
        "",
    ]


def mean_of(night: ReplayedNight, name: str) -> float:
    """Returns the pair accuracy of a row of the night's table."""
    return night.report.models[name].pair_accuracy.mean


def _best_fixed(nights: Sequence[ReplayedNight], rules: Sequence[str]) -> tuple[str, float]:
    means = {
        rule: float(np.mean([mean_of(night, rule) for night in nights]))
        for rule in rules
        if all(rule in night.report.models for night in nights)
    }
    best = max(means, key=means.__getitem__)
    return best, means[best]


def _plot(nights: Sequence[ReplayedNight], path: Path) -> None:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    days = [night.day[5:] for night in nights]
    best = [night.report.models[night.report.gate.candidate].pair_accuracy.mean for night in nights]
    axes.plot(days, best, "o-", color="#16794c", label="best candidate")
    for rule in SHOWN:
        values = [mean_of(night, rule) if rule in night.report.models else np.nan for night in nights]
        if not np.isnan(values).all():
            axes.plot(days, values, "o-", alpha=0.6, label=rule)
    for night, day in zip(nights, days, strict=True):
        if night.report.gate.decision == "pass":
            axes.axvline(days.index(day), color="#1f5fbf", linestyle=":")
    axes.set_ylabel("pair accuracy on the night's new day, per person")
    axes.legend(frameon=False, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=95, metadata={"Software": None})


if __name__ == "__main__":
    main()
