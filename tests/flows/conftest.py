"""Clones of this project in temporary folders, and nights run in them as a user runs them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.meaning import write_inbox

REPO = Path(__file__).resolve().parent.parent.parent
SAMPLE = REPO / "data" / "sample" / "canteen"
PEOPLE = 24
PARAMS = """
check: {min_events: 50}
train:
  threads: 1
  candidates:
    top: &top
      {rank: 4, alpha: 8, targets: [q_proj, v_proj], layers: [28, 30], learning_rate: 0.01,
       warmup_share: 0.1, comparisons: 24}
    tip:
      {<<: *top, comparisons: 200, epochs: 4,
       vectors: {size: 8, learning_rate: 0.05, weight_decay: 0.1, comparisons_per_step: 50}}
evaluate: {resamples: 200, subset: 12}
"""


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's dishes and menus with the choices of a few people, and params that make a night small."""
    folder = tmp_path_factory.mktemp("inbox")
    for name in ("dishes.csv", "menus.csv"):
        shutil.copy(SAMPLE / name, folder / name)
    with (SAMPLE / "events.csv").open() as file:
        rows = list(csv.DictReader(file))
    days: dict[str, set[str]] = {}
    for row in rows:
        days.setdefault(row["person_id"], set()).add(row["menu_id"])
    regulars = set(sorted(person for person, own in days.items() if len(own) >= 6)[:PEOPLE])
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["person_id"] in regulars)
        writer.writerow({**rows[0], "person_id": "late", "occurred_at": "2999-01-01T12:00:00"})
    (folder / "params.yaml").write_text(PARAMS)
    return folder


def make_clone(folder: Path, base: Path | None = None) -> Path:
    """This project's files, committed in a repository of their own; with a base model, if given."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPO, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    for name in filter(None, listed):
        if (REPO / name).is_file() and name not in {"dvc.lock", "data/events.dvc", "data/quarantine.dvc"}:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, folder / name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "clone"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    if base:
        shutil.copytree(base, folder / "models" / "base")
    return folder


def clean_environment() -> dict[str, str]:
    """Without anything that would lead a clone to this project's own state."""
    ours = ("MLFLOW_", "PREFECT_", "BENTOML_HOME", "PALATE_", "DVC_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"OMP_NUM_THREADS": "1"}


def start_night(clone: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts `python -m flows nightly` in a clone; it writes to files, since its children may outlive it."""
    command = [sys.executable, "-m", "flows", "nightly", *arguments]
    with (clone / "night.out").open("w") as out, (clone / "night.err").open("w") as err:
        return subprocess.Popen(command, cwd=clone, env=clean_environment(), stdout=out, stderr=err)


def run_night(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m flows nightly` in a clone to its end."""
    process = start_night(clone, *arguments)
    process.wait(timeout=900)
    said = [(clone / name).read_text() for name in ("night.out", "night.err")]
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


@dataclass
class Done:
    clone: Path
    first: subprocess.CompletedProcess[str]

    @property
    def evaluation(self) -> dict[str, Any]:
        return dict(json.loads((self.clone / "reports" / "evaluation.json").read_text()))


@pytest.fixture(scope="session")
def night(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A first night in a fresh clone, the base model made on the way."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    first = run_night(clone, "--data", str(inbox))
    assert first.returncode == 0, first.stderr
    return Done(clone, first)


@pytest.fixture(scope="session")
def promoted(night: Done, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A night whose gate passes, so that version 1 is the champion; its inbox lies beside the clone."""
    clone = make_clone(tmp_path_factory.mktemp("promoted") / "clone", night.clone / "models" / "base")
    write_inbox(clone.parent / "inbox", days=10)
    first = run_night(clone, "--data", str(clone.parent / "inbox"))
    assert first.returncode == 0, first.stderr
    return Done(clone, first)


def state_of(clone: Path) -> dict[str, Any]:
    """What a night leaves behind, without what depends on the clock or on chance ids."""
    with sqlite3.connect(clone / ".palate" / "mlflow.db") as database:
        runs = database.execute(
            "select name, status from runs where lifecycle_stage = 'active' order by name"
        ).fetchall()
        versions = database.execute("select version from model_versions").fetchall()
        tags = dict(database.execute("select key, value from model_version_tags").fetchall())
        aliases = sorted(database.execute("select alias, version from registered_model_aliases").fetchall())
    stable = (
        "candidate",
        "gate",
        "gate_sha256",
        "data_md5",
        "adapter_sha256",
        "base_sha256",
        "prompt_hash",
        "gate_reason",
    )
    return {
        "runs": runs,
        "versions": versions,
        "tags": {name: tags[name] for name in stable},
        "aliases": aliases,
        "bento": (clone / ".palate" / "bento").read_text(),
        "evaluation": (clone / "reports" / "evaluation.json").read_text(),
        "data": (clone / "data" / "events.dvc").read_text(),
    }


def wait_for(until: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
