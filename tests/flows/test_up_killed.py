"""Nights that are cancelled or killed with their worker, and a `make up` that is killed itself."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.flows.clones import http_status, make_clone, wait_for
from tests.flows.room import set_params
from tests.flows.running import Up

pytestmark = pytest.mark.slow
RESTARTED = "worker ended, it is started again"  # what `make up` shows
TRAINS = "a full training was asked for"  # in the worker's log once a night of weekly-full trains


def test_a_night_cancelled_in_prefect_is_an_alarm(up: Up) -> None:
    with _another_seed(up, 4321):
        night = _schedule(up, "nightly/weekly-full")
        _wait_for_training(up, 1)
        state = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        assert up.prefect(f"flow_runs/{night}/set_state", state)["status"] == "ACCEPT"
        _wait_for_state(up, night, "CANCELLED", 120)
    assert "night stopped" in _kinds(up)


def test_a_scheduled_night_beside_one_by_hand_is_an_alarm(up: Up) -> None:
    with (up.clone / ".palate" / "night.lock").open("a") as lock:  # as a night by hand holds it
        fcntl.flock(lock, fcntl.LOCK_EX)
        _wait_for_state(up, _schedule(up, "nightly/nightly"), "FAILED", 120)
    assert "night skipped" in _kinds(up)


def test_what_is_killed_with_its_worker_is_marked_and_does_not_block_the_next(up: Up) -> None:
    with _another_seed(up, 1234):
        before, skipped = _trainings(up), _kinds(up).count("night skipped")
        first = _schedule(up, "nightly/weekly-full")
        _wait_for_state(up, first, "RUNNING", 120)
        second = _schedule(up, "nightly/nightly")
        _wait_for_state(up, second, "CANCELLED", 120)  # the two share one limit, and up.if_busy is skip
        wait_for(lambda: _kinds(up).count("night skipped") == skipped + 1, 120, "its alarm")
        _wait_for_training(up, before + 1)
        _kill_worker(up)
    assert up.prefect(f"flow_runs/{first}")["state_type"] == "RUNNING"
    wait_for(lambda: _a_pass_is_pending(up), 400, "a pass that has not begun yet", every=0.2)
    pending = [run["id"] for run in _passes(up, "PENDING")]
    _kill_worker(up)
    for run in (first, *pending):
        _wait_for_state(up, run, "CRASHED", 400)
    third = _schedule(up, "nightly/weekly-full")
    _wait_for_state(up, third, "COMPLETED", 400)


def test_a_killed_make_up_takes_its_servers_with_it_and_the_next_ends_the_rest(
    small_base: Path, tmp_path: Path
) -> None:
    killed = Up(make_clone(tmp_path / "clone", small_base))
    left = psutil.Process(killed.process.pid).children(recursive=True)
    killed.process.kill()
    killed.process.wait()
    wait_for(lambda: http_status(f"{killed.address('prefect')}/api/health") == 0, 30, "its servers' end")
    following = Up(killed.clone, killed.ports)
    try:
        assert not [process for process in left if process.is_running()]
        assert http_status(f"{following.address('mlflow')}/health") == 200
    finally:
        following.stop(signal.SIGTERM)


def _kill_worker(up: Up) -> None:
    """Kills it with all it runs, and waits until `make up` has started it again."""
    out = up.clone / "up.out"
    restarts = out.read_text().count(RESTARTED)
    wait_for(lambda: bool(_workers(up)), 60, "the worker")  # it has another command line until it is executed
    (worker,) = _workers(up)
    for process in [*worker.children(recursive=True), worker]:
        process.kill()
    wait_for(lambda: out.read_text().count(RESTARTED) > restarts, 120, "the worker to start again")


def _workers(up: Up) -> list[psutil.Process]:
    children = psutil.Process(up.process.pid).children()
    return [
        each for each in children if {"prefect", "worker"} < {*(each.as_dict(["cmdline"])["cmdline"] or ())}
    ]


def _a_pass_is_pending(up: Up) -> bool:
    """Whether the worker has a pass that has not begun yet; schedules one where none is under way."""
    if not _passes(up, "PENDING", "RUNNING", "SCHEDULED"):
        _schedule(up, "release/release")
    return bool(_passes(up, "PENDING"))


def _passes(up: Up, *states: str) -> list[dict[str, Any]]:
    """Passes in these states that are due."""
    now = datetime.now(UTC).isoformat()
    due = {"state": {"type": {"any_": list(states)}}, "expected_start_time": {"before_": now}}
    filters = {"deployments": {"name": {"any_": ["release"]}}, "flow_runs": due}
    return list(up.prefect("flow_runs/filter", filters))


def _kinds(up: Up) -> list[str]:
    file = up.clone / ".palate" / "alarms.jsonl"
    return [json.loads(line)["kind"] for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def _another_seed(up: Up, seed: int) -> Iterator[None]:
    """Lets a night train, since DVC has seen nothing of that seed."""
    params = up.clone / "params.yaml"
    before = params.read_text()
    set_params(up.clone, "train", seed=seed)
    yield
    params.write_text(before)


def _trainings(up: Up) -> int:
    return (up.clone / ".palate" / "logs" / "worker.log").read_text().count(TRAINS)


def _wait_for_training(up: Up, number: int) -> None:
    wait_for(lambda: _trainings(up) >= number, 120, "the training")


def _schedule(up: Up, deployment: str) -> str:
    deployment_id = up.prefect(f"deployments/name/{deployment}")["id"]
    run = up.prefect(f"deployments/{deployment_id}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    return str(run["id"])


def _wait_for_state(up: Up, run: str, state: str, seconds: float) -> None:
    wait_for(
        lambda: up.prefect(f"flow_runs/{run}")["state_type"] == state,
        seconds,
        f"state {state} of a night",
        every=0.5,
    )
