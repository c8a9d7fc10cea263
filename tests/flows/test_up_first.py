"""`make up` as the first thing in a fresh clone: what it makes is what a night without it finds."""

from __future__ import annotations

import signal
from pathlib import Path

import mlflow
import pytest

from tests.flows.clones import Done, make_clone, run_night
from tests.flows.running import running

pytestmark = pytest.mark.night


def test_a_night_beside_it_and_one_after_it_share_every_store(
    night: Done, inbox: Path, tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", night.clone / "models" / "base")
    with running(clone, stop=signal.SIGHUP) as up:  # as where its terminal is closed
        beside = run_night(clone, "--data", str(inbox))
        assert beside.returncode == 0, beside.stderr
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(up.address("mlflow"))
        version = mlflow.MlflowClient().get_model_version("palate", "1")
        mlflow.set_tracking_uri(before)
    assert version.tags["night_commit"]
    assert list((clone / ".palate" / "mlartifacts").rglob("adapter_model.safetensors"))
    assert not (clone / "mlartifacts").exists()
    after = run_night(clone, "--data", str(inbox))
    assert after.returncode == 0, after.stderr
    assert "Nothing new" in after.stdout
    assert "registered before" in after.stdout
    assert "prefect.server" not in after.stderr  # of events that it missed while nothing ran
