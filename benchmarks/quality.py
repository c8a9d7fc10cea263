"""`make benchmark NAME=quality SET=…`: the whole night on a sample set, once a seed, in a clone of HEAD.

The table is the mean over seeds; its interval resamples people, whose metrics are first averaged over seeds.
"""

from __future__ import annotations

import argparse
import csv
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.bootstrap import intervals, paired_differences
from benchmarks.clones import (
    clone_head,
    commit_of,
    fill_inbox,
    flows,
    read_events,
    write_events,
    write_params,
)
from benchmarks.measuring import BOOTSTRAP, peak_mb
from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import REPO
from components.domain.preferences.arrays import Floats
from components.domain.verdict.evaluation import EvaluationReport
from components.domain.verdict.gate import METRIC
from components.domain.verdict.metrics import METRICS, Interval
from components.stages import paths
from components.stages.reports import read_report

SAMPLES = REPO / "data" / "sample"
# model -> person -> pair accuracy, top-1, NDCG; then those of the night's best on the same comparisons
People = dict[str, dict[str, Floats]]


@dataclass(frozen=True)
class Night:
    """One night: its report, each person's metrics, and the largest process of this and earlier nights."""

    seed: int
    report: EvaluationReport
    people: People
    largest_process_mb: float


def main() -> None:
    """Runs the nights and writes results/quality-SET.json and .md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("set", choices=sorted(folder.name for folder in SAMPLES.iterdir()))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validation", action="store_true", help="hold out of the training period only")
    options = parser.parse_args()
    clone, seeds = clone_head(options.set), range(1, options.seeds + 1)
    nights = [_night(clone, options.set, seed, options.validation) for seed in seeds]
    report = _report(options.set, commit_of(clone), nights)
    if options.validation:  # which is for choosing settings; what is published is the test
        print(_page(report))
    else:
        publish(RESULTS / f"quality-{options.set}.md", _page(report), report)


def _night(clone: Path, name: str, seed: int, validation: bool) -> Night:
    """One night with another training seed."""
    inbox = fill_inbox(clone, clone / "data" / "sample" / name)
    file = inbox / "params.yaml"
    params = yaml.safe_load(file.read_text()) if file.exists() else {}
    for section in ("train", "split"):  # initial weights and order; what is grouped and, in part, held out
        params[section] = {**params.get(section, {}), "seed": seed}
    if validation:
        defaults = yaml.safe_load((clone / "params.yaml").read_text())["split"]
        params["split"] |= _without_test(inbox / "events.csv", {**defaults, **params["split"]})
    write_params(inbox, params)
    print(flows(clone, "nightly", "--data", "inbox"))
    report, people = read_report(clone / paths.EVALUATION), _people(clone / paths.JUDGED / "people.csv")
    return Night(seed, report, people, peak_mb(resource.RUSAGE_CHILDREN))


def _without_test(path: Path, split: Mapping[str, Any]) -> dict[str, Any]:
    """Takes what is tested out of the table; returns how the rest is to be split instead.

    By time the days before the test days are then held out; else a share of each person's other events.
    """
    events, by_time = read_events(path), split["by"] == "time"
    part_of = [event["occurred_at"][:10] if by_time else event["source"] for event in events]
    tested = sorted(set(part_of))[-split["test_days"] :] if by_time else split["test_sources"]
    write_events(path, [event for event, part in zip(events, part_of, strict=True) if part not in tested])
    return {} if by_time else {"by": "within_person", "test_sources": []}


def _people(path: Path) -> People:
    people: People = {}
    with path.open(encoding="utf-8", newline="") as file:
        for model, person, *metrics in list(csv.reader(file))[1:]:
            people.setdefault(model, {})[person] = np.array([float(value) for value in metrics])
    return people


def _mean(nights: Sequence[People]) -> People:
    """Over nights, of the models and people that all of them measured."""
    shared = [model for model in nights[0] if all(model in night for night in nights)]
    return {
        model: {
            person: np.mean([night[model][person] for night in nights], axis=0)
            for person in nights[0][model]
            if all(person in night[model] for night in nights)
        }
        for model in shared
    }


def _report(name: str, commit: str, nights: Sequence[Night]) -> dict[str, Any]:
    reports, people = [night.report for night in nights], _mean([night.people for night in nights])
    candidates = [model for model in people if reports[0].models[model].kind == "candidate"]
    models = {model: _model(model, metrics, reports) for model, metrics in people.items()}
    best = max(candidates, key=lambda model: float(models[model][METRIC].mean))
    models[best] |= {"best_minus_it": None, "top1_best_minus_it": None}
    return {
        "set": name,
        "commit": commit,
        "seeds": [night.seed for night in nights],
        "best": best,
        "largest_process_mb": max(night.largest_process_mb for night in nights),
        "models": models,
        "gates": [report.gate.reason for report in reports],
        "decisions": [report.gate.decision for report in reports],
        "slices": [report.slices for report in reports],
    }


def _model(name: str, people: Mapping[str, Floats], reports: Sequence[EvaluationReport]) -> dict[str, Any]:
    its = {person: metrics[: len(METRICS)] for person, metrics in people.items()}
    best = {person: metrics[len(METRICS) :] for person, metrics in people.items()}
    gaps = paired_differences(best, its, BOOTSTRAP)
    return {
        "kind": reports[0].models[name].kind,
        "people": len(people),
        "by_seed": [report.models[name].pair_accuracy.mean for report in reports],
        **intervals(its, BOOTSTRAP),
        "best_minus_it": gaps[METRIC],
        "top1_best_minus_it": gaps["top1"],
    }


def _page(report: Mapping[str, Any]) -> str:
    models = sorted(report["models"].items(), key=lambda item: -item[1][METRIC].mean)
    gates = zip(report["decisions"], report["gates"], strict=True)
    lines = [
        f"# Quality on {report['set']}",
        "",
        f"`make benchmark NAME=quality SET={report['set']}` at commit {report['commit']}: held out,",
        f"per person, mean over seeds {', '.join(map(str, report['seeds']))}, with the 95 % interval over",
        "people. Differences are taken on the comparisons that both models scored. The largest process of",
        "these nights, of their trainings and of all else took",
        f"{report['largest_process_mb'] / 1024:.1f} GB.",
        "",
        *table(
            "model | kind | pair accuracy | by seed | top-1 | people | best minus it | best minus it, top-1",
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
    gaps = (model["best_minus_it"], model["top1_best_minus_it"])
    by_seed = " ".join(f"{value:.3f}" for value in model["by_seed"])
    cells = [name, model["kind"], in_words(model[METRIC]), by_seed, f"{model['top1'].mean:.3f}"]
    return [
        *cells,
        f"{model['people']:,}",
        *(in_words(gap, "+") if gap else "it is the best" for gap in gaps),
    ]


def _slices(nights: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[list[str]]:
    rows = []
    for part, models in nights[0].items():
        for name, first in models.items():
            seeds = [night[part][name] for night in nights if name in night.get(part, {})]
            mean = float(np.mean([result.mean for result in seeds]))
            widest = Interval(mean, min(one.low for one in seeds), max(one.high for one in seeds))
            rows.append([part, name, in_words(widest), f"{first.people:,}"])
    return rows


if __name__ == "__main__":
    main()
