"""`make benchmark NAME=quality SET=…`: the whole night on a sample set, once a seed, in a clone of HEAD.

The table is the mean over seeds; its interval resamples people, whose metrics are first averaged over seeds.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.clones import clone_head, commit_of
from benchmarks.sample import REPO
from components.domain.verdict.metrics import METRICS, Floats, intervals, paired_differences

RESULTS = REPO / "benchmarks" / "results"
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 11
PARTS = slice(len(METRICS)), slice(len(METRICS), None)  # of a row of `People`
# model -> person -> pair accuracy, top-1, NDCG; then those of the night's best on the same comparisons
People = dict[str, dict[str, Floats]]


def main() -> None:
    """Runs the nights and writes results/quality-SET.json and .md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("set", choices=sorted(each.name for each in (REPO / "data" / "sample").iterdir()))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validation", action="store_true", help="hold out of the training period only")
    given = parser.parse_args()
    clone = clone_head(given.set)
    nights = [_night(clone, given.set, seed, given.validation) for seed in range(1, given.seeds + 1)]
    people = _mean([night["people"] for night in nights])
    report = _report(given.set, commit_of(clone), nights, people)
    page = _page(report)
    if not given.validation:  # which is for choosing settings; what is published is the test
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"quality-{given.set}.json").write_text(json.dumps(report, indent=1) + "\n")
        (RESULTS / f"quality-{given.set}.md").write_text(page)
    print(page)


def _night(clone: Path, name: str, seed: int, validation: bool) -> dict[str, Any]:
    """One night with another training seed; nothing is promoted or packaged."""
    inbox = clone / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(clone / "data" / "sample" / name, inbox)
    own = inbox / "params.yaml"
    params = yaml.safe_load(own.read_text()) if own.exists() else {}
    for section in ("train", "split"):  # initial weights and order; what is grouped and, in part, held out
        params[section] = {**params.get(section, {}), "seed": seed}
    if validation:
        defaults = yaml.safe_load((clone / "params.yaml").read_text())["split"]
        params["split"] |= _without_test(inbox / "events.csv", {**defaults, **params["split"]})
    params |= {"register": {"promote_first": False}, "package": {"preview": False}}
    own.write_text(yaml.safe_dump(params))
    subprocess.run([sys.executable, "-m", "flows", "nightly", "--data", "inbox"], cwd=clone, check=True)
    evaluation = json.loads((clone / "reports" / "evaluation.json").read_text())
    return {
        "seed": seed,
        "evaluation": evaluation,
        "largest_process_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "people": _people(clone / "data" / "judged" / "people.csv"),
    }


def _without_test(events: Path, split: Mapping[str, Any]) -> dict[str, Any]:
    """Takes what is tested out of the table; returns how the rest is to be split instead.

    By time the days before the test days are then held out; else a share of each person's other events.
    """
    with events.open(encoding="utf-8", newline="") as file:
        heading, *rows = list(csv.reader(file))
    by_time = split["by"] == "time"
    column = heading.index("occurred_at" if by_time else "source")
    days = sorted({row[column][:10] for row in rows}) if by_time else []
    tested = set(days[-split["test_days"] :]) if by_time else set(split["test_sources"])
    with events.open("w", encoding="utf-8", newline="") as file:
        kept = (row for row in rows if (row[column][:10] if by_time else row[column]) not in tested)
        csv.writer(file).writerows([heading, *kept])
    return {} if by_time else {"by": "within_person", "test_sources": []}


def _people(path: Path) -> People:
    people: People = {}
    with path.open(encoding="utf-8", newline="") as file:
        for model, person, *metrics in list(csv.reader(file))[1:]:
            people.setdefault(model, {})[person] = np.array([float(value) for value in metrics])
    return people


def _mean(nights: Sequence[People]) -> People:
    shared = set.intersection(*(set(night) for night in nights))
    return {
        model: {
            person: np.mean([night[model][person] for night in nights], axis=0)
            for person in nights[0][model]
            if all(person in night[model] for night in nights)
        }
        for model in nights[0]
        if model in shared
    }


def _report(name: str, commit: str, nights: Sequence[Mapping[str, Any]], people: People) -> dict[str, Any]:
    kinds = {model: row["kind"] for model, row in nights[0]["evaluation"]["models"].items()}
    sample = RESAMPLES, CONFIDENCE, SEED
    own, paired = (
        {model: {person: row[part] for person, row in rows.items()} for model, rows in people.items()}
        for part in PARTS
    )
    measured = {model: intervals(own[model], *sample) for model in people}
    candidates = [model for model in people if kinds[model] == "candidate"]
    best = max(candidates, key=lambda model: measured[model]["pair_accuracy"].mean)
    rows = {}
    for model in people:
        differences = paired_differences(paired[model], own[model], *sample)
        rows[model] = {
            "kind": kinds[model],
            "people": len(people[model]),
            "by_seed": [night["evaluation"]["models"][model]["pair_accuracy"]["mean"] for night in nights],
            **{metric: vars(each) for metric, each in measured[model].items()},
            "best_minus_it": vars(differences["pair_accuracy"]) if model != best else None,
            "top1_best_minus_it": vars(differences["top1"]) if model != best else None,
        }
    return {
        "set": name,
        "commit": commit,
        "seeds": [night["seed"] for night in nights],
        "best": best,
        "largest_process_mb": max(night["largest_process_mb"] for night in nights),
        "models": rows,
        "gates": [night["evaluation"]["gate"]["reason"] for night in nights],
        "decisions": [night["evaluation"]["gate"]["decision"] for night in nights],
        "slices": [night["evaluation"]["slices"] for night in nights],
    }


def _page(report: Mapping[str, Any]) -> str:
    seeds = ", ".join(map(str, report["seeds"]))
    lines = [
        f"# Quality on {report['set']}",
        "",
        f"`make benchmark NAME=quality SET={report['set']}` at commit {report['commit']}: held out,",
        f"per person, mean over seeds {seeds}, with the 95 % interval over people. Differences are taken",
        "on the comparisons that both models scored. The largest process of these nights,",
        "of their trainings and of all else took",
        f"{report['largest_process_mb'] / 1024:.1f} GB.",
        "",
        "| model | kind | pair accuracy | by seed | top-1 | people | best minus it | best minus it, top-1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model, row in sorted(report["models"].items(), key=lambda each: -each[1]["pair_accuracy"]["mean"]):
        gaps = (row[key] and _interval(row[key], "+") for key in ("best_minus_it", "top1_best_minus_it"))
        lines.append(
            f"| {model} | {row['kind']} | {_interval(row['pair_accuracy'])} | "
            f"{' '.join(f'{value:.3f}' for value in row['by_seed'])} | {row['top1']['mean']:.3f} | "
            f"{row['people']:,} | {' | '.join(gap or 'it is the best' for gap in gaps)} |"
        )
    lines += ["", "The gate, seed by seed:", ""]
    gates = zip(report["decisions"], report["gates"], strict=True)
    lines += [f"- {decision}: {reason}" for decision, reason in gates]
    return "\n".join([*lines, *_slices(report["slices"]), ""])


def _slices(nights: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[str]:
    lines = [
        "",
        "| slice | model | pair accuracy, the widest bounds of a seed | people |",
        "|---|---|---|---|",
    ]
    for part, rows in nights[0].items():
        for model, row in rows.items():
            own = [night[part][model] for night in nights if model in night.get(part, {})]
            told = {
                "mean": float(np.mean([each["mean"] for each in own])),
                "low": min(each["low"] for each in own),
                "high": max(each["high"] for each in own),
            }
            lines.append(f"| {part} | {model} | {_interval(told)} | {row['people']:,} |")
    return lines


def _interval(row: Mapping[str, float], sign: str = "") -> str:
    return f"{row['mean']:{sign}.3f} ({row['low']:{sign}.3f} to {row['high']:{sign}.3f})"


if __name__ == "__main__":
    main()
