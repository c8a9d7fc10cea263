"""`python -m benchmarks.quality SET`: the whole night on a sample set, once a seed, in a clone of HEAD.

The table is the mean over seeds; its interval resamples people, whose metrics are first averaged over seeds.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from components.domain.metrics import Floats, intervals, paired_differences

REPO = Path(__file__).resolve().parent.parent
RESULTS = REPO / "benchmarks" / "results"
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 11
People = dict[str, dict[str, Floats]]  # model -> person -> (pair accuracy, top-1, NDCG)


def main() -> None:
    """Runs the nights and writes results/quality-SET.json and .md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("set", choices=sorted(each.name for each in (REPO / "data" / "sample").iterdir()))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    clone = _clone(given.set)
    nights = [_night(clone, given.set, seed) for seed in range(1, given.seeds + 1)]
    people = _mean([night["people"] for night in nights])
    report = _report(given.set, nights, people)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"quality-{given.set}.json").write_text(json.dumps(report, indent=1) + "\n")
    page = _page(report)
    (RESULTS / f"quality-{given.set}.md").write_text(page)
    print(page)


def _clone(name: str) -> Path:
    target = REPO / ".palate" / "benchmarks" / name
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    if (REPO / "models" / "base").exists():
        shutil.copytree(REPO / "models" / "base", target / "models" / "base")
    return target


def _night(clone: Path, name: str, seed: int) -> dict[str, Any]:
    """One night with another training seed; nothing is promoted or packaged."""
    inbox = clone / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(clone / "data" / "sample" / name, inbox)
    own = inbox / "params.yaml"
    params = yaml.safe_load(own.read_text()) if own.exists() else {}
    params["train"] = {**params.get("train", {}), "seed": seed}
    params |= {"register": {"promote_first": False}, "package": {"preview": False}}
    own.write_text(yaml.safe_dump(params))
    subprocess.run([sys.executable, "-m", "flows", "nightly", "--data", "inbox"], cwd=clone, check=True)
    evaluation = json.loads((clone / "reports" / "evaluation.json").read_text())
    return {
        "seed": seed,
        "evaluation": evaluation,
        "people": _people(clone / "data" / "judged" / "people.csv"),
    }


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


def _report(name: str, nights: Sequence[Mapping[str, Any]], people: People) -> dict[str, Any]:
    kinds = {model: row["kind"] for model, row in nights[0]["evaluation"]["models"].items()}
    sample = RESAMPLES, CONFIDENCE, SEED
    measured = {model: intervals(people[model], *sample) for model in people}
    candidates = [model for model in people if kinds[model] == "candidate"]
    best = max(candidates, key=lambda model: measured[model]["pair_accuracy"].mean)
    rows = {}
    for model in people:
        differences = paired_differences(people[best], people[model], *sample)
        gap = differences["pair_accuracy"] if model != best else None
        rows[model] = {
            "kind": kinds[model],
            "people": len(people[model]),
            "by_seed": [night["evaluation"]["models"][model]["pair_accuracy"]["mean"] for night in nights],
            **{metric: vars(each) for metric, each in measured[model].items()},
            "best_minus_it": vars(gap) if gap else None,
        }
    return {
        "set": name,
        "commit": _commit(),
        "seeds": [night["seed"] for night in nights],
        "best": best,
        "models": rows,
        "gates": [night["evaluation"]["gate"]["reason"] for night in nights],
        "decisions": [night["evaluation"]["gate"]["decision"] for night in nights],
        "slices": [night["evaluation"]["slices"] for night in nights],
    }


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, cwd=REPO, capture_output=True, text=True, check=True).stdout.strip()


def _page(report: Mapping[str, Any]) -> str:
    seeds = ", ".join(map(str, report["seeds"]))
    lines = [
        f"# Quality on {report['set']}",
        "",
        f"`make benchmark SET={report['set']}` at commit {report['commit']}: held out, per person, mean over",
        f"seeds {seeds}, with the 95 % interval over people.",
        "",
        "| model | kind | pair accuracy | by seed | top-1 | people | best candidate minus it |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, row in sorted(report["models"].items(), key=lambda each: -each[1]["pair_accuracy"]["mean"]):
        gap = row["best_minus_it"]
        lines.append(
            f"| {model} | {row['kind']} | {_interval(row['pair_accuracy'])} | "
            f"{' '.join(f'{value:.3f}' for value in row['by_seed'])} | {row['top1']['mean']:.3f} | "
            f"{row['people']:,} | {_interval(gap, '+') if gap else 'the best candidate'} |"
        )
    lines += ["", "The gate, seed by seed:", ""]
    gates = zip(report["decisions"], report["gates"], strict=True)
    lines += [f"- {decision}: {reason}" for decision, reason in gates]
    lines += ["", "| slice (pair accuracy, mean over seeds) | model | | people |", "|---|---|---|---|"]
    for part, rows in report["slices"][0].items():
        for model, row in rows.items():
            mean = np.mean([slices[part][model]["mean"] for slices in report["slices"]])
            lines.append(f"| {part} | {model} | {mean:.3f} | {row['people']:,} |")
    return "\n".join([*lines, ""])


def _interval(row: Mapping[str, float], sign: str = "") -> str:
    return f"{row['mean']:{sign}.3f} ({row['low']:{sign}.3f} to {row['high']:{sign}.3f})"


if __name__ == "__main__":
    main()
