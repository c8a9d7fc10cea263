"""Nights that are cancelled or killed with their worker; a `make up` whose clock is set or that is killed."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.flows.clock import move, moved
from tests.flows.clones import clean_environment, http_status, make_clone, wait_for
from tests.flows.forking import ForkServer
from tests.flows.room import set_params
from tests.flows.running import Up

pytestmark = pytest.mark.slow
END_ORPHANS = """
from flows import environment
environment.prepare()
from flows.machine import programs
programs.end_orphans()
"""
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


def test_a_killed_worker_is_started_again_and_what_it_ran_stays_until_prefect_ends_it(up: Up) -> None:
    """tests/deploy/test_worker.py has how it ends."""
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
    crashed = {"state": {"type": "CRASHED", "message": "as by the automation"}, "force": True}
    up.prefect(f"flow_runs/{first}/set_state", crashed)


def test_once_a_clock_is_set_right_nights_are_planned_by_it_and_a_killed_make_up_takes_its_servers_with_it(
    small_base: Path, forks: ForkServer, tmp_path: Path
) -> None:
    """Begins by a clock that is a month ahead; what it leaves is ended as the next `make up` begins."""
    killed = Up(make_clone(tmp_path / "clone", small_base), env=moved(tmp_path, timedelta(days=30)))
    wait_for(lambda: _planned(killed), 180, "nights to be planned")
    assert min(_planned(killed)) > datetime.now(UTC) + timedelta(days=29)
    move(tmp_path, timedelta(0))
    wait_for(lambda: "the clock was set back" in (killed.clone / "up.out").read_text(), 120, "a new plan")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    wait_for(lambda: any(at <= tomorrow for at in _planned(killed)), 180, "tonight's night to be planned")
    assert max(_planned(killed)) < datetime.now(UTC) + timedelta(days=29)
    left = psutil.Process(killed.process.pid).children(recursive=True)
    killed.process.kill()
    killed.process.wait()
    wait_for(lambda: http_status(f"{killed.address('prefect')}/api/health") == 0, 30, "its servers' end")
    forks.start(killed.clone, clean_environment(), code=END_ORPHANS).wait()
    assert not [process for process in left if process.is_running()]
    assert {http_status(killed.address(name)) for name in ("prefect", "mlflow", "service")} == {0}


def _planned(up: Up) -> list[datetime]:
    """When the planned nights begin."""
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    nights = {"deployments": {"name": {"any_": ["nightly"]}}, "flow_runs": scheduled}
    runs = up.prefect("flow_runs/filter", nights)
    return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]


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
