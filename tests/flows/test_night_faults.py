"""Nights that are killed, nights on bad input, nights at the wrong moment: nothing is lost, all is said."""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.clones import Done, make_clone, run_night, start_night, state_of, status_of, wait_for

pytestmark = pytest.mark.night


def test_a_night_killed_twice_ends_like_one_that_was_not(night: Done, inbox: Path, tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "killed", night.clone / "models" / "base")
    _kill_when(clone, inbox, lambda: (clone / "reports" / "training" / "top.csv").exists())  # during training
    assert not (clone / "models" / "adapters" / "top").exists()
    _kill_when(clone, inbox, lambda: _count(clone, "model_versions") > 0)  # between register and package
    assert not (clone / ".palate" / "bento").exists()
    assert "it was killed: run it again" in status_of(clone)
    last = run_night(clone, "--data", str(inbox))
    assert last.returncode == 0, last.stderr
    assert state_of(clone) == state_of(night.clone)


def _kill_when(clone: Path, inbox: Path, moment: Callable[[], bool]) -> None:
    process = start_night(clone, "--data", str(inbox))
    try:
        wait_for(lambda: moment() or process.poll() is not None, 600, "the moment to kill the night")
        assert process.poll() is None, (clone / "night.err").read_text()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _count(clone: Path, table: str) -> int:
    try:
        with sqlite3.connect(f"file:{clone / '.palate' / 'mlflow.db'}?mode=ro", uri=True) as database:
            return int(database.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("", "", "holds no events"),
        ("events.parquet", "this is no parquet", "not a readable Parquet file"),
        ("params.yaml", "train: {seeed: 1}", "train.seeed: unknown key"),
        (
            "params.yaml",
            "prompt: {dish_fields: [ingredients]}",
            "has a value in prompt.dish_fields (ingredients)",
        ),
        ("params.yaml", "check: {min_events: 100000}", "events.rows table_row_count_to_be_between failed"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(
    night: Done, inbox: Path, tmp_path: Path, file: str, content: str, sentence: str
) -> None:
    clone = make_clone(tmp_path / "clone", night.clone / "models" / "base")
    folder = tmp_path / "inbox"
    if file == "params.yaml":
        shutil.copytree(inbox, folder)
    else:
        folder.mkdir()
    if file:
        (folder / file).write_text(content)
    before = (clone / "params.yaml").read_text()
    done = run_night(clone, "--data", str(folder))
    assert done.returncode == 1
    ours = [line for line in done.stderr.splitlines() if line.startswith("palate: ")]
    assert len(ours) == 1
    assert sentence in ours[0]
    assert "Traceback" not in done.stderr
    last = json.loads((clone / ".palate" / "last-night.json").read_text())  # what `make status` tells
    assert last["said"] == f"it failed: {ours[0].removeprefix('palate: ')}"
    if "seeed" in content:
        assert (clone / "params.yaml").read_text() == before


def test_a_second_night_at_once_is_told_that_one_is_running(night: Done) -> None:
    with (night.clone / ".palate" / "night.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_night(night.clone)
    assert done.returncode == 1
    assert "A night is already running" in done.stderr


def test_another_inbox_in_a_used_clone_is_refused(night: Done, tmp_path: Path) -> None:
    done = run_night(night.clone, "--data", str(tmp_path))
    assert done.returncode == 1
    assert "use a fresh clone" in done.stderr
