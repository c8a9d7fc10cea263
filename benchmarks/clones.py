"""Clones of HEAD, in which benchmarks run whole nights on an inbox."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.sample import BASE, REPO
from components.stages import paths


def clone_head(name: str) -> Path:
    """A fresh clone of HEAD below .palate/benchmarks, with this checkout's base model if there is one."""
    target = REPO / ".palate" / "benchmarks" / name
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    if BASE.exists():
        shutil.copytree(BASE, target / paths.BASE)
    return target


def commit_of(clone: Path) -> str:
    """What was measured: HEAD here may have moved on meanwhile."""
    command = ["git", "rev-parse", "--short", "origin/HEAD"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.strip()


def fill_inbox(clone: Path, sample: Path) -> Path:
    """An inbox with what a sample has."""
    inbox = clone / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(sample, inbox)
    return inbox


def write_params(inbox: Path, params: Mapping[str, Any]) -> None:
    """Gives the inbox these params, with which nothing is promoted or packaged."""
    silent = {"register": {"promote_first": False}, "package": {"preview": False}}
    (inbox / "params.yaml").write_text(yaml.safe_dump({**params, **silent}))


def flows(clone: Path, *verb: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "flows", *verb]
    return subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True, check=True).stdout


def read_events(path: Path) -> list[dict[str, str]]:
    """The lines of an events.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_events(path: Path, events: Sequence[Mapping[str, Any]]) -> None:
    """The inverse of `read_events`, for one event or more."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(events[0]))
        writer.writeheader()
        writer.writerows(events)
