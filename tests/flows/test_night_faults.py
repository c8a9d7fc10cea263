"""Nights that are killed and nights at the wrong moment: nothing is lost, and one sentence says why."""

from __future__ import annotations

import fcntl
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.clones import Done, make_clone, run_night, start_night, state_of, status_of, wait_for


@pytest.mark.slow
def test_a_night_killed_twice_ends_like_one_that_was_not(
    night: Done, inbox: Path, small_base: Path, tmp_path: Path
) -> None:
    """These nights have no Prefect server but those that they start, which killed ones leave behind."""
    clone = make_clone(tmp_path / "killed", small_base)
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


def test_a_second_night_at_once_is_refused_while_one_is_running(night: Done, prefect: dict[str, str]) -> None:
    with (night.clone / ".palate" / "night.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_night(night.clone, env=prefect)
    assert done.returncode == 1
    assert "A night is already running" in done.stderr
