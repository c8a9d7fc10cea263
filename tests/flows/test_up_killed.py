"""A night that is killed with its worker, which Prefect alone would count as running for ever."""

from __future__ import annotations

import psutil
import pytest
import yaml

from tests.flows.clones import wait_for
from tests.flows.running import Up

pytestmark = pytest.mark.slow


def test_a_night_killed_with_its_worker_is_marked_and_does_not_block_the_next(up: Up) -> None:
    params = up.clone / "params.yaml"
    before = params.read_text()
    values = yaml.safe_load(before)
    values["train"]["seed"] = 1234  # nothing that DVC has seen: the night trains
    params.write_text(yaml.safe_dump(values))
    first = _schedule(up, "weekly-full")
    _wait_for_state(up, first, "RUNNING", 120)
    second = _schedule(up, "weekly-full")
    _wait_for_state(up, second, "CANCELLED", 120)  # one at a time: the second is not queued behind it
    log = up.clone / ".palate" / "logs" / "worker.log"
    wait_for(lambda: "a full training was asked for" in log.read_text(), 120, "the training")
    children = psutil.Process(up.process.pid).children()
    (worker,) = [each for each in children if {"prefect", "worker"} < set(each.cmdline())]
    for process in [*worker.children(recursive=True), worker]:
        process.kill()
    wait_for(
        lambda: "worker ended, it is started again" in (up.clone / "up.out").read_text(), 30, "it to start"
    )
    params.write_text(before)
    assert up.prefect(f"flow_runs/{first}")["state_type"] == "RUNNING"
    _wait_for_state(up, first, "CRASHED", 240)
    third = _schedule(up, "weekly-full")
    _wait_for_state(up, third, "COMPLETED", 400)


def _schedule(up: Up, deployment: str) -> str:
    deployment_id = up.prefect(f"deployments/name/nightly/{deployment}")["id"]
    run = up.prefect(f"deployments/{deployment_id}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    return str(run["id"])


def _wait_for_state(up: Up, run: str, state: str, seconds: float) -> None:
    wait_for(
        lambda: up.prefect(f"flow_runs/{run}")["state_type"] == state,
        seconds,
        f"state {state} of a night",
        every=0.5,
    )
