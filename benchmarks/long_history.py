"""`make benchmark NAME=long-history`: a night that goes on from the champion, at 1 and 10 times the history.

The canteen without its last day is a first night, whose version is promoted and released as a person would;
then the last day arrives. The longer history has every person's older days again under other names, so that
what is new and what is tested stay the same. Writes results/long-history.md.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from mlflow.tracking import MlflowClient

from benchmarks.clones import clone_head, commit_of
from benchmarks.sample import REPO
from components.integrations import comparison_files

TIMES = (1, 12)  # of the older days: ten times the training comparisons, of which the last day's come once
SAMPLE = REPO / "data" / "sample" / "canteen"
PAGE = REPO / "benchmarks" / "results" / "long-history.md"
PARAMS = {"register": {"promote_first": False}, "package": {"preview": False}}
GOAL = 1.5
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Night:
    """Rows of the training set, how many of them are new and replayed, seconds by step, and in all."""

    comparisons: int
    new: int
    replayed: int
    steps: dict[str, int]
    seconds: int


def main() -> None:
    """Runs both nights at every length and writes the page."""
    told: dict[int, Night] = {}
    for times in TIMES:
        clone = clone_head(f"history-{times}")
        told[times] = _second_night(clone, times)
    page = _page(commit_of(clone), told)
    PAGE.write_text(page)
    print(page)


def _second_night(clone: Path, times: int) -> Night:
    """The night of the last day, after a champion that knows all days before it."""
    inbox = clone / "inbox"
    inbox.mkdir()
    for name in ("dishes.csv", "menus.csv"):
        shutil.copy(SAMPLE / name, inbox / name)
    (inbox / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    with (SAMPLE / "events.csv").open(encoding="utf-8", newline="") as file:
        events = list(csv.DictReader(file))
    days = sorted({_day(row) for row in events})
    test_days = yaml.safe_load((clone / "params.yaml").read_text())["split"]["test_days"]
    old = days[: -test_days - 1]  # what the champion is trained on; the day after it is new to training
    copies = [
        {**row, "person_id": f"{row['person_id']}/{copy}"}
        for copy in range(1, times)
        for row in events
        if _day(row) in old
    ]
    earlier = [row for row in events if _day(row) != days[-1]]
    _write(inbox / "events.csv", [*copies, *earlier])
    _run(clone, "nightly", "--data", "inbox")
    registry = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    registry.set_model_version_tag("palate", "1", "release_override", "a benchmark's champion")
    registry.set_registered_model_alias("palate", "champion", "1")
    _run(clone, "release")
    _write(inbox / "events.csv", [*copies, *events])
    return _told(clone, _run(clone, "nightly"))


def _told(clone: Path, said: str) -> Night:
    took = re.search(r"^seconds: (.*); in all (\d+)$", said, re.MULTILINE)
    if took is None:
        raise SystemExit(f"the night's table has no line of seconds: {said}")
    steps = dict(re.findall(r"([a-z ]+?) (\d+)(?:, |$)", took[1]))
    made = json.loads((clone / "models" / "adapters" / "vectors" / "training.json").read_text())
    if made["started_from"] != "1":
        raise SystemExit(f"the night did not go on from the champion: {made}")
    seen = len(comparison_files.read_comparisons(clone / "data" / "splits" / "train.parquet"))
    return Night(
        seen, made["new"], made["replayed"], {name: int(each) for name, each in steps.items()}, int(took[2])
    )


def _run(clone: Path, *verb: str) -> str:
    command = [sys.executable, "-m", "flows", *verb]
    return subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True, check=True).stdout


def _day(row: dict[str, str]) -> str:
    return row["occurred_at"][:10]


def _write(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _page(commit: str, told: dict[int, Night]) -> str:
    short, long = (told[times] for times in TIMES)
    ratio = long.seconds / short.seconds
    lines = [
        "# A whole night with little new, at growing histories",
        "",
        f"`make benchmark NAME=long-history` at commit {commit}, one night each: the canteen's last day",
        f"arrives, and the night goes on from the champion with {short.new:,} comparisons that are new",
        f"to training and {short.replayed:,} replayed. The longer history has",
        "everybody's older days again under other",
        "names; what is new and what is tested stay the same.",
        "",
        f"| step | seconds at {short.comparisons:,} training comparisons | at {long.comparisons:,} |",
        "|---|---|---|",
        *(f"| {step} | {short.steps[step]} | {long.steps[step]} |" for step in short.steps),
        f"| in all | {short.seconds} | {long.seconds} |",
        "",
        f"At {long.comparisons / short.comparisons:.1f} times the history and equal news the night costs "
        f"{ratio:.2f} times as much (goal: {GOAL}).",
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
