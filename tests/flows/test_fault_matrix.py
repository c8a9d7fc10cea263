"""Faults at each step of a night: one sentence, nothing lost, and the next night ends as if there were none.

Clones go from fault to fault, and are lent the results of a night without any, so that each costs little.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tests.flows import mounts
from tests.flows.clones import (
    COMMANDS,
    Done,
    clean_environment,
    copy_of,
    lend_cache,
    make_clone,
    run_flows,
    run_night,
    start_night,
    state_of,
    wait_for,
)
from tests.flows.forking import ForkServer

Fault = Callable[[Path], AbstractContextManager[None]]
FULL = "isk is full.*make room"
READ_ONLY = "may not be read or written|Read-only file system|unable to write"
# Where each step writes, and what its sentence says if it cannot.
WRITES: tuple[tuple[str, Fault, str], ...] = (
    (".dvc/cache", mounts.full, FULL),
    ("data/events", mounts.full, FULL),
    ("models/adapters", mounts.full, FULL),
    (".palate/dvc-remote", mounts.read_only, READ_ONLY),
    (".git/objects", mounts.read_only, READ_ONLY),
    (".palate/mlartifacts", mounts.full, FULL),
)
LOOK = """
from flows import environment
environment.check_folders()
"""


def _sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The sentence in which a night failed, beside what steps log."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("palate: ")]
    return sentence


def _statuses(clone: Path) -> set[str]:
    """The statuses of all runs in MLflow."""
    database = f"file:{clone / '.palate' / 'mlflow.db'}?mode=ro"
    try:
        with closing(sqlite3.connect(database, uri=True)) as connection:
            return {status for (status,) in connection.execute("select status from runs")}
    except sqlite3.OperationalError:  # there is none yet
        return set()


def _finished(clone: Path) -> dict[str, Any]:
    """What a night leaves behind, without the runs of those that failed."""
    state = state_of(clone)
    return {**state, "runs": [run for run in state["runs"] if run[1] == "FINISHED"]}


def test_a_folder_that_cannot_take_a_night_is_named_before_it(tmp_path: Path, forks: ForkServer) -> None:
    clone = make_clone(tmp_path / "clone")
    for fault, words in ((mounts.read_only, "may not be written to"), (mounts.full, "has 0 MB free")):
        with fault(clone / "reports"):
            done = forks.start(clone, clean_environment(), code=LOOK).wait()
        assert re.search(f"'{clone / 'reports'}' {words}", done.stderr)
    assert forks.start(clone, clean_environment(), code=LOOK).wait().returncode == 0


@pytest.mark.slow
def test_whatever_cannot_be_written_the_night_says_so_and_a_later_one_ends_like_any_other(
    night: Done, inbox: Path, small_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", small_base)
    lend_cache(night.clone, clone)
    _leave_locks(clone)
    for folder, fault, words in WRITES:
        with fault(clone / folder):
            sentence = _sentence(run_night(clone, "--data", str(inbox), env=prefect))
        assert re.search(words, sentence), (folder, sentence)
    done = run_night(clone, "--data", str(inbox), env=prefect)
    assert done.returncode == 0, done.stderr
    assert "RUNNING" not in _statuses(clone)
    assert _finished(clone) == state_of(night.clone)


def _leave_locks(clone: Path) -> None:
    """What a killed git and a killed DVC leave, the latter with the number of a process that lives."""
    for name in ("palate-index.lock", "refs/heads/nights.lock"):
        (clone / ".git" / name).touch()
    dead = {"pid": os.getpid(), "cmd": "dvc/__main__.py repro train@top"}
    (clone / ".dvc" / "tmp").mkdir()
    (clone / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"write": {str(clone / "data"): dead}}))


@pytest.mark.slow
def test_a_training_that_breaks_is_a_sentence_and_the_next_night_trains(
    night: Done, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = _before_training(night.clone, tmp_path / "clone")
    params = (clone / "params.yaml").read_text()
    _set(clone, "top", rank=10**9)  # 128 GB for one matrix alone
    sentence = r"palate: the stage train ran out of memory \(.+\): give .*, or lower .*\n"
    assert re.fullmatch(sentence, _stage(clone, "train", "top"))
    vectors = {"size": 8, "learning_rate": 1e30, "weight_decay": 0.1, "comparisons_per_step": 50}
    _set(clone, "tip", learning_rate=1e30, warmup_share=0.0, vectors=vectors)
    assert re.fullmatch(
        r"palate: the training's loss became (nan|inf) at .*: lower .*\n", _stage(clone, "train", "tip")
    )
    (clone / "params.yaml").write_text(params)
    assert "was killed from outside, as the system does where memory" in _with_training_killed(clone, prefect)
    assert _statuses(clone) == {"FAILED"}
    first = start_night(clone, env=prefect)
    wait_for(lambda: bool(_trainings(clone)) or first.poll() is not None, 600, "a training")
    assert "A night is already running" in run_flows(clone, "nightly", env=prefect).stderr
    assert first.wait(600) == 0, (clone / "night.err").read_text()
    assert "RUNNING" not in _statuses(clone)
    assert _finished(clone) == state_of(night.clone)
    weights = clone / "models" / "adapters" / "tip" / "adapter_model.safetensors"
    save_file({name: torch.full_like(tensor, 1e38) for name, tensor in load_file(weights).items()}, weights)
    sentence = r"palate: the candidate 'tip' gives scores that are no numbers, .*: lower .*\n"
    assert re.fullmatch(sentence, _stage(clone, "evaluate"))  # as after a last step that was far too long


def _before_training(clone: Path, folder: Path) -> Path:
    """A copy of a clone as it was before its first training."""
    copy_of(clone, folder)
    subprocess.run(["git", "branch", "-qD", "nights"], cwd=folder, check=True)
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    stages = {name: stage for name, stage in lock["stages"].items() if name in {"check", "split"}}
    (folder / "dvc.lock").write_text(yaml.safe_dump({**lock, "stages": stages}))
    later = (
        ".dvc/cache/runs",
        "models/adapters",
        "reports/training",
        ".palate/mlartifacts",
        ".palate/bentoml",
    )
    for name in later:
        shutil.rmtree(folder / name)
    for name in ("mlflow.db", "bento", "bentos.json", "last-night.json"):
        (folder / ".palate" / name).unlink(missing_ok=True)
    return folder


def _set(clone: Path, candidate: str, **settings: object) -> None:
    """Changes settings of a candidate."""
    values = yaml.safe_load((clone / "params.yaml").read_text())
    values["train"]["candidates"][candidate] |= settings
    (clone / "params.yaml").write_text(yaml.safe_dump(values))


def _stage(clone: Path, *arguments: str) -> str:
    """What a stage that fails says, which its night repeats."""
    done = subprocess.run(
        [COMMANDS[-1], "-m", "components.stages", *arguments],
        cwd=clone, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return done.stdout


def _with_training_killed(clone: Path, env: dict[str, str]) -> str:
    """What a night says whose training is killed as the kernel does where memory runs out."""
    process = start_night(clone, env=env)
    wait_for(lambda: bool(_statuses(clone)) or process.poll() is not None, 600, "a training's run")
    for training in _trainings(clone):
        training.send_signal(signal.SIGKILL)
    process.wait(300)
    errors = (clone / "night.err").read_text()
    return _sentence(subprocess.CompletedProcess([], process.returncode, "", errors))


def _trainings(clone: Path) -> list[psutil.Process]:
    """The stages that train in a clone."""
    processes = psutil.process_iter(["cmdline", "cwd"])
    return [
        process
        for process in processes
        if process.info["cwd"] == str(clone)
        and (process.info["cmdline"] or [])[-4:] == ["-m", "components.stages", "train", "top"]
    ]
