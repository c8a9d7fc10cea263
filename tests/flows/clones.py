"""Clones of this project in temporary folders, and nights run in them as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from components.integrations.model_registry.artifact_folders import move_artifacts
from components.integrations.model_registry.checksums import ungrouped

REPO = Path(__file__).resolve().parent.parent.parent
PYTHON = "FORKING_PYTHON"  # variable with the python of a ForkServer (tests/flows/forking.py)
COMMANDS = [sys.executable]  # the last one runs the commands of a clone; `forks` adds its own
LINKED = Path("models/base"), Path(".dvc/cache"), Path(".git/objects")  # nothing in them is written in place


@dataclass
class Done:
    clone: Path
    first: subprocess.CompletedProcess[str]

    @property
    def evaluation(self) -> dict[str, Any]:
        return dict(json.loads((self.clone / "reports" / "evaluation.json").read_text()))


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    """This project's files, committed in a repository of their own; it goes with this process."""
    template = tempfile.TemporaryDirectory(prefix="palate-template-")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPO, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    folder = Path(template.name)
    for name in filter(None, listed):
        if (REPO / name).is_file() and name != "dvc.lock" and not name.endswith(".dvc"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, folder / name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "clone"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return template


def make_clone(folder: Path, base: Path | None = None) -> Path:
    """This project's files, committed in a repository of their own; with a base model, if given."""
    _copy(Path(_template().name), folder)
    if base:
        shutil.copytree(base, folder / "models" / "base", copy_function=os.link)
    return folder


def lend_cache(lender: Path, clone: Path) -> None:
    """Gives a clone the other's DVC cache, so that a night restores what the other one computed."""
    shutil.copytree(lender / ".dvc" / "cache", clone / ".dvc" / "cache", copy_function=os.link)


def copy_of(clone: Path, folder: Path) -> Path:
    """The clone as it is now, for a test that changes it."""
    _copy(clone, folder)
    move_artifacts(folder / ".palate" / "mlflow.db", folder / ".palate" / "mlartifacts")
    return folder


def _copy(clone: Path, folder: Path) -> None:
    """Copies a clone, but for what is LINKED."""
    linked = [part for part in LINKED if (clone / part).exists()]

    def is_linked(path: str, _names: object) -> set[str]:
        return {part.name for part in linked if clone / part.parent == Path(path)}

    shutil.copytree(clone, folder, symlinks=True, dirs_exist_ok=True, ignore=is_linked)
    for part in linked:
        shutil.copytree(clone / part, folder / part, copy_function=os.link)


def clean_environment() -> dict[str, str]:
    """Without anything that would lead a clone to this project's own state."""
    ours = ("MLFLOW_", "PREFECT_", "BENTOML_HOME", "PALATE_", "DVC_", "PYTHONPATH", "PYTEST_")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return others | {"OMP_NUM_THREADS": "1"}


def start_night(
    clone: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts `python -m flows nightly` in a clone; it writes to files, since its children may outlive it.

    Args:
        clone: Folder of the clone.
        arguments: Arguments of the command.
        env: Added to the environment; with PREFECT_API_URL the night starts no Prefect server of its own, and
            with PYTHON it and its programs fork.
    """
    environment = clean_environment() | dict(env or {})
    command = [environment.get(PYTHON, sys.executable), "-m", "flows", "nightly", *arguments]
    with (clone / "night.out").open("w") as out, (clone / "night.err").open("w") as err:
        return subprocess.Popen(command, cwd=clone, env=environment, stdout=out, stderr=err)


def run_night(
    clone: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m flows nightly` in a clone to its end."""
    process = start_night(clone, *arguments, env=env)
    return last_night_of(clone, process.wait(timeout=900))


def last_night_of(clone: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """What the last night of a clone wrote, and the code that it ended with."""
    output = [(clone / name).read_text() for name in ("night.out", "night.err")]
    return subprocess.CompletedProcess([], code, *output)


def run_flows(
    clone: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m flows ARGUMENTS` in a clone, as a fork where this process has a ForkServer."""
    return subprocess.run(
        [COMMANDS[-1], "-m", "flows", *arguments],
        cwd=clone, env=clean_environment() | dict(env or {}), capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def status_of(clone: Path) -> str:
    """What `make status` says."""
    done = run_flows(clone, "status")
    assert done.returncode == 0, done.stderr
    return done.stdout


def state_of(clone: Path) -> dict[str, Any]:
    """What a night leaves behind, without what depends on the clock or on chance ids."""
    with sqlite3.connect(clone / ".palate" / "mlflow.db") as database:
        runs = database.execute(
            "select case when name like 'night %' then 'night' else name end as kind, status from runs"
            " where lifecycle_stage = 'active' order by kind"
        ).fetchall()
        versions = database.execute("select version from model_versions").fetchall()
        tags = ungrouped(dict(database.execute("select key, value from model_version_tags").fetchall()))
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


def wait_for(until: Callable[[], bool], seconds: float, what: str, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(every)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for free in sockets:
        free.bind(("127.0.0.1", 0))
    ports = [int(free.getsockname()[1]) for free in sockets]
    for free in sockets:
        free.close()
    return ports


def http_status(url: str) -> int:
    """The status of an answer; 0 where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
    except OSError:
        return 0


def post(url: str, body: object, token: str = "") -> dict[str, Any]:
    """The answer of a service, which on an address beyond this machine asks for its token."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return dict(json.load(answer))
