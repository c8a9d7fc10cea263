"""`make benchmark NAME=quality SET=…`: whole nights on a sample or made-up set, one a seed, in a clone.

The table is the mean over seeds; its bounds are the widest of a seed's, so they cover people and menu days.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.clones import (
    MADE_UP,
    clone_head,
    commit_of,
    fill_inbox,
    flows,
    read_events,
    write_events,
    write_params,
    write_set,
)
from benchmarks.measuring import peak_mb
from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import REPO
from components.domain.verdict.evaluation import EvaluationReport
from components.domain.verdict.gate import METRIC
from components.domain.verdict.metrics import Interval
from components.stages import paths
from components.stages.reports import read_report

SAMPLES = REPO / "data" / "sample"


@dataclass(frozen=True)
class Night:
    """One night: its report, and the largest process of this and earlier nights."""

    seed: int
    report: EvaluationReport
    largest_process_mb: float


def main() -> None:
    """Runs the nights and writes results/quality-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("set", choices=sorted([*(folder.name for folder in SAMPLES.iterdir()), *MADE_UP]))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--subset", type=int, help="comparisons for the untuned rows, which cost most")
    parser.add_argument("--validation", action="store_true", help="hold out of the training period only")
    options = parser.parse_args()
    clone, seeds = clone_head(options.set), range(1, options.seeds + 1)
    nights = [_night(clone, options, seed) for seed in seeds]
    report = _report(options.set, commit_of(clone), nights) | {"command": " ".join(sys.argv[1:])}
    if options.validation:  # which is for choosing settings; what is published is the test
        print(_page(report))
    else:
        publish(RESULTS / f"quality-{options.set}.md", _page(report))


def _night(clone: Path, options: argparse.Namespace, seed: int) -> Night:
    """Runs one night with its own training seed."""
    inbox = clone / "inbox"
    if options.set in MADE_UP:
        write_set(inbox, options.set)
    else:
        fill_inbox(clone, clone / "data" / "sample" / options.set)
    file = inbox / "params.yaml"
    params = yaml.safe_load(file.read_text()) if file.exists() else {}
    params["train"] = {**params.get("train", {}), "seed": seed}
    if options.subset:
        params["evaluate"] = {**params.get("evaluate", {}), "subset": options.subset}
    if options.validation:
        defaults = yaml.safe_load((clone / "params.yaml").read_text())["split"]
        split = params.get("split", {})
        params["split"] = split | _without_test(inbox / "events.csv", defaults | split)
    write_params(inbox, params)
    print(flows(clone, "nightly", "--data", "inbox"))
    return Night(seed, read_report(clone / paths.EVALUATION), peak_mb(resource.RUSAGE_CHILDREN))


def _without_test(path: Path, split: Mapping[str, Any]) -> dict[str, Any]:
    """Takes what is tested out of the table; returns how the rest is to be split instead.

    By time the days before the test days are then held out; else a share of each person's other events.
    """
    events, by_time = read_events(path), split["by"] == "time"
    part_of = [event["occurred_at"][:10] if by_time else event["source"] for event in events]
    tested = sorted(set(part_of))[-split["test_days"] :] if by_time else split["test_sources"]
    write_events(path, [event for event, part in zip(events, part_of, strict=True) if part not in tested])
    return {} if by_time else {"by": "within_person", "test_sources": []}


def _report(name: str, commit: str, nights: Sequence[Night]) -> dict[str, Any]:
    reports = [night.report for night in nights]
    models = {model: _model(model, reports) for model in reports[0].models}
    candidates = [model for model in models if models[model]["kind"] == "candidate"]
    return {
        "set": name,
        "commit": commit,
        "seeds": [night.seed for night in nights],
        "best": max(candidates, key=lambda model: float(models[model][METRIC].mean)),
        "largest_process_mb": max(night.largest_process_mb for night in nights),
        "models": models,
        "gates": [report.gate.reason for report in reports],
        "decisions": [report.gate.decision for report in reports],
        "slices": [report.slices for report in reports],
    }


def _model(name: str, reports: Sequence[EvaluationReport]) -> dict[str, Any]:
    results = [report.models[name] for report in reports]
    gaps = [result.best_minus_it for result in results if result.best_minus_it]
    return {
        "kind": results[0].kind,
        "people": results[0].people,
        "by_seed": [result.pair_accuracy.mean for result in results],
        METRIC: _widest([result.pair_accuracy for result in results]),
        "top1": _widest([result.top1 for result in results]),
        "best_minus_it": _widest(gaps) if gaps else None,
    }


def _widest(seeds: Sequence[Interval]) -> Interval:
    """Averages over seeds, with the widest bounds of any."""
    mean = float(np.mean([one.mean for one in seeds]))
    return Interval(mean, min(one.low for one in seeds), max(one.high for one in seeds))


def _page(report: Mapping[str, Any]) -> str:
    models = sorted(report["models"].items(), key=lambda item: -item[1][METRIC].mean)
    gates = zip(report["decisions"], report["gates"], strict=True)
    lines = [
        f"# Quality on {report['set']}",
        "",
        f"`python -m benchmarks.quality {report['command']}` at commit {report['commit']}: held out,",
        f"per person, mean over seeds {', '.join(map(str, report['seeds']))}. Bounds are the widest of a",
        "seed's 95 % intervals, which count people and menu days as the gate does. Differences are taken on",
        "the comparisons that both models scored. The largest process of these nights took",
        f"{report['largest_process_mb'] / 1024:.1f} GB.",
        "",
        *table(
            "model | kind | pair accuracy | by seed | top-1 | people | best minus it",
            (_cells(name, model) for name, model in models),
        ),
        "",
        "The gate, seed by seed:",
        "",
        *(f"- {decision}: {reason}" for decision, reason in gates),
        "",
        *table(
            "slice | model | pair accuracy, the widest bounds of a seed | people", _slices(report["slices"])
        ),
    ]
    return "\n".join([*lines, ""])


def _cells(name: str, model: Mapping[str, Any]) -> list[str]:
    gap = model["best_minus_it"]
    by_seed = " ".join(f"{value:.3f}" for value in model["by_seed"])
    cells = [name, model["kind"], in_words(model[METRIC]), by_seed, in_words(model["top1"])]
    return [*cells, f"{model['people']:,}", in_words(gap, "+") if gap else "it is the best"]


def _slices(nights: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[list[str]]:
    rows = []
    for part, models in nights[0].items():
        for name, first in models.items():
            seeds = [night[part][name] for night in nights if name in night.get(part, {})]
            rows.append([part, name, in_words(_widest(seeds)), f"{first.people:,}"])
    return rows


if __name__ == "__main__":
    main()
