"""Nights that are killed and nights at the wrong moment: nothing is lost, and one sentence says why."""

from __future__ import annotations

import fcntl
import json
import signal
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.flows import mounts
from tests.flows.clones import (
    PYTHON,
    Done,
    copy_of,
    make_clone,
    run_night,
    start_night,
    state_of,
    status_of,
    wait_for,
)
from tests.flows.forking import ForkServer


@pytest.mark.slow
def test_a_night_killed_twice_ends_like_one_that_was_not(
    night: Done, inbox: Path, small_base: Path, forks: ForkServer, tmp_path: Path
) -> None:
    """These nights have no Prefect server but those that they start, which killed ones leave behind."""
    clone, env = make_clone(tmp_path / "killed", small_base), {PYTHON: str(forks.python)}
    _kill_when(clone, inbox, env, lambda: (clone / "reports/training/top.csv").exists())  # during training
    assert not (clone / "models" / "adapters" / "top").exists()
    _kill_when(clone, inbox, env, lambda: _count(clone, "model_versions") > 0)  # between register and package
    assert not (clone / ".palate" / "bento").exists()
    assert "it was killed: run it again" in status_of(clone)
    last = run_night(clone, "--data", str(inbox), env=env)
    assert last.returncode == 0, last.stderr
    assert state_of(clone) == state_of(night.clone)


def _kill_when(clone: Path, inbox: Path, env: Mapping[str, str], moment: Callable[[], bool]) -> None:
    process = start_night(clone, "--data", str(inbox), env=env)
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


def test_a_second_night_at_once_is_refused_while_one_is_running(night: Done, prefect: dict[str, str]) -> None:
    with (night.clone / ".palate" / "night.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_night(night.clone, env=prefect)
    assert done.returncode == 1
    assert "A night is already running" in done.stderr


@pytest.mark.slow
def test_a_disk_that_fills_under_the_nights_own_prefect_server(
    night: Done, forks: ForkServer, tmp_path: Path
) -> None:
    clone, env = copy_of(night.clone, tmp_path / "clone"), {PYTHON: str(forks.python)}
    home, began = clone / ".palate" / "prefect", clone / ".palate" / "last-night.json"
    before = began.read_text()
    with mounts.of_size(home, 48):  # its database takes 5
        process = start_night(clone, env=env)
        wait_for(lambda: began.read_text() != before or process.poll() is not None, 300, "the flow to begin")
        rest = mounts.fill(home)
        assert process.wait(300) == 1
        errors = (clone / "night.err").read_text()
        assert "Traceback" not in errors
        (sentence,) = [line for line in errors.splitlines() if line.startswith("palate: ")]
        assert f"Prefect cannot write its database: the disk of '{home}' has 0 MB free." in sentence
        alarms = (clone / ".palate" / "alarms.jsonl").read_text().splitlines()
        assert [json.loads(line)["kind"] for line in alarms] == ["night failed"]
        rest.unlink()
        done = run_night(clone, env=env)
        assert done.returncode == 0, done.stderr
        assert [line for line in done.stderr.splitlines() if not line.startswith("step ")] == []
    assert state_of(clone) == state_of(night.clone)
