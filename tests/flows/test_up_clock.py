"""A `make up` that was started by a clock which was a month ahead."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flows.clock import move, moved
from tests.flows.clones import make_clone, wait_for
from tests.flows.running import Up

pytestmark = pytest.mark.slow


def test_once_the_clock_is_set_right_the_nights_are_planned_by_it(small_base: Path, tmp_path: Path) -> None:
    up = Up(make_clone(tmp_path / "clone", small_base), env=moved(tmp_path, timedelta(days=30)))
    try:
        wait_for(lambda: _planned(up), 180, "nights to be planned")
        assert min(_planned(up)) > datetime.now(UTC) + timedelta(days=29)
        move(tmp_path, timedelta(0))
        wait_for(lambda: "the clock was set back" in (up.clone / "up.out").read_text(), 120, "a new plan")
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        wait_for(lambda: any(at <= tomorrow for at in _planned(up)), 180, "tonight's night to be planned")
        assert max(_planned(up)) < datetime.now(UTC) + timedelta(days=29)
    finally:
        up.stop(signal.SIGTERM)


def _planned(up: Up) -> list[datetime]:
    """When the planned nights begin."""
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    nights = {"deployments": {"name": {"any_": ["nightly"]}}, "flow_runs": scheduled}
    runs = up.prefect("flow_runs/filter", nights)
    return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
