"""After `make up` was stopped, a night without it finds what it made; last of the tests that use it."""

from __future__ import annotations

import re
import signal

import pytest

from tests.flows.clones import PYTHON, run_night
from tests.flows.forking import ForkServer
from tests.flows.running import Up

pytestmark = pytest.mark.slow


def test_a_night_after_it_shares_every_store(up: Up, forks: ForkServer) -> None:
    up.stop(signal.SIGHUP)  # as where its terminal is closed
    after = run_night(up.clone, env={PYTHON: str(forks.python)})
    assert after.returncode == 0, after.stderr
    assert "192 rows = 0 accepted + 192 duplicates + 0 quarantined" in after.stdout  # the data
    assert re.search(r"^champion +version \d", after.stdout, re.MULTILINE)  # MLflow's registry
    assert "prefect.server" not in after.stderr  # of events that it missed while nothing ran
