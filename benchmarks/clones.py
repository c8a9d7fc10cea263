"""Clones of HEAD, in which benchmarks run whole nights on an inbox of a sample or of made-up tastes."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.sample import BASE, REPO
from benchmarks.shapes import Events, many_choices, many_orders, many_ratings
from components.stages import paths

FEW = {"subset": 50}  # comparisons that the untuned base answers in context, which costs most of a night
BY_TIME = {"split": {"by": "time", "test_days": 10}, "evaluate": FEW}
BY_SOURCE = {
    "split": {"by": "source", "test_sources": ["test"]},
    "evaluate": FEW,
    "check": {"value_range": [1, 5]},
}
MADE_UP: dict[str, tuple[Callable[[int], Events], dict[str, Any]]] = {
    "many-ratings": (many_ratings, BY_SOURCE),
    "many-choices": (many_choices, BY_TIME),
    "many-orders": (many_orders, BY_TIME),
}


def clone_head(name: str) -> Path:
    """Clones HEAD below .palate/benchmarks, with this checkout's base model if there is one."""
    target = REPO / ".palate" / "benchmarks" / name
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    if BASE.exists():
        shutil.copytree(BASE, target / paths.BASE)
    return target


def commit_of(clone: Path) -> str:
    """Reads the commit that was measured: HEAD here may have moved on meanwhile."""
    command = ["git", "rev-parse", "--short", "origin/HEAD"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.strip()


def fill_inbox(clone: Path, sample: Path) -> Path:
    """Makes an inbox of a sample's files."""
    inbox = clone / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(sample, inbox)
    return inbox


def write_params(inbox: Path, params: Mapping[str, Any]) -> None:
    """Writes an inbox's params, so that nothing is promoted or packaged."""
    silent = {"register": {"promote_first": False}, "package": {"serve": "champion"}}
    (inbox / "params.yaml").write_text(yaml.safe_dump({**params, **silent}))


def flows(clone: Path, *verb: str) -> str:
    """Runs a command of `flows`, and returns what it prints."""
    command = [sys.executable, "-m", "flows", *verb]
    return subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True, check=True).stdout


def read_events(path: Path) -> list[dict[str, str]]:
    """Reads the lines of an events.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_events(path: Path, events: Sequence[Mapping[str, Any]]) -> None:
    """Writes events to a CSV file; there must be one at least."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(events[0]))
        writer.writeheader()
        writer.writerows(events)


def write_set(inbox: Path, name: str) -> None:
    """Fills a folder with the tables and params of a made-up set."""
    draw, params = MADE_UP[name]
    inbox.mkdir(parents=True, exist_ok=True)
    write_tables(inbox, draw(0))
    write_params(inbox, params)


def write_tables(inbox: Path, events: Events) -> None:
    """Fills a folder with the tables of made-up events."""
    dishes = [{"dish_id": dish, "name": f"dish {dish}"} for dish in events.dishes]
    days = {row["menu_id"]: row["occurred_at"].date() for row in events.rows}
    menus = [
        {"menu_id": menu, "served_on": days[menu], "dish_id": dish}
        for menu, offered in events.menus.items()
        for dish in offered
    ]
    tables = {"dishes": dishes, "menus": menus, "events": events.rows}
    for table, rows in tables.items():
        if rows:
            write_events(inbox / f"{table}.csv", rows)
