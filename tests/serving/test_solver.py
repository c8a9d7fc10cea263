"""The process that plans: killed, or with nobody waiting for it, on the real service."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.flows.clones import wait_for
from tests.serving.household import DINNER, planned, publish_household


@pytest.fixture
def store(tmp_path: Path) -> str:
    return publish_household(f"sqlite:///{tmp_path / 'service.db'}")


def _long_week(address: str, timeout: float) -> tuple[psutil.Process, Future[httpx.Response]]:
    """Asks for a week that takes seconds, and waits until its process works on it."""
    planned(address)  # starts the process
    more = [{"person_id": f"x{number}", "allergies": [], "at_least": {"kcal": 2900}} for number in range(6)]
    people = [{"person_id": "ada", "at_least": {"kcal": 3000}}, {"person_id": "bob"}, *more]
    meals = [DINNER | {"name": str(number), "one_each": True, "count": 2} for number in range(4)]
    week = {"people": people, "slots": meals, "days": 14, "repeat_after_days": 3}
    (solver,) = (each for each in psutil.Process().children() if "serving.solver" in each.cmdline())
    spent = solver.cpu_times().user
    answer = ThreadPoolExecutor(1).submit(httpx.post, f"{address}/plan", json=week, timeout=timeout)
    wait_for(lambda: solver.cpu_times().user > spent + 0.3, 30, "the plan to begin")
    return solver, answer


def test_a_process_that_is_killed_is_a_sentence_and_the_next_week_is_planned(knowing: str) -> None:
    solver, answer = _long_week(knowing, timeout=60)
    solver.kill()
    assert answer.result().status_code == 503
    assert answer.result().json() == {"error": "The process that plans was ended: send it again."}
    assert planned(knowing)["status"] in {"optimal", "within_gap"}


def test_a_plan_that_nobody_waits_for_ends_and_the_next_week_is_planned(knowing: str) -> None:
    solver, answer = _long_week(knowing, timeout=2)
    assert isinstance(answer.exception(), httpx.ReadTimeout)
    wait_for(lambda: not solver.is_running(), 10, "its end")
    assert planned(knowing)["status"] in {"optimal", "within_gap"}
