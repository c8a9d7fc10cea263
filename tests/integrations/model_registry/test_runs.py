"""Runs of nights in a real MLflow store on SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from components.integrations.model_registry.runs import (
    CANDIDATE,
    FAILED,
    FINISHED,
    NIGHT_KEY,
    RUNNING,
    Runs,
    live_run,
)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def runs(uri: str, tmp_path: Path) -> Runs:
    return Runs(uri, tmp_path / "artifacts")


def test_an_unfinished_night_is_found_again_and_a_finished_one_is_not(runs: Runs) -> None:
    first = runs.night_run("key")
    assert runs.night_run("key") == first
    assert runs.night_run("other") != first
    runs.finish(first)
    assert runs.night_run("key") != first


def test_a_training_that_starts_over_leaves_one_run_with_one_curve(
    runs: Runs, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NIGHT_KEY, "killed")
    monkeypatch.setenv(CANDIDATE, "upper")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("PALATE_ARTIFACTS", str(tmp_path))
    killed = live_run()
    killed.__enter__()(1, {"loss": 9.0})
    with live_run() as log:
        log(1, {"loss": 2.0})
    run = runs.candidate_run(runs.night_run("killed"), "upper", afresh=False)
    assert [each.value for each in runs.client.get_metric_history(run, "loss")] == [2.0]
    assert runs.client.get_run(run).info.status == "FINISHED"


def test_no_run_of_a_night_that_failed_is_running_and_the_next_night_goes_on_in_it(runs: Runs) -> None:
    night = runs.night_run("failed")
    finished, failed = (runs.candidate_run(night, name, afresh=False) for name in ("upper", "lower"))
    runs.finish(finished)
    runs.end_night("failed", FAILED)
    assert _statuses(runs, night, finished, failed) == [FAILED, FINISHED, FAILED]
    assert runs.night_run("failed") == night
    assert runs.candidate_run(night, "lower", afresh=False) == failed
    assert _statuses(runs, night, finished, failed) == [RUNNING, FINISHED, RUNNING]
    runs.end_night("failed", FINISHED)
    assert _statuses(runs, night, finished, failed) == [FINISHED] * 3
    assert runs.night_run("failed") != night


def _statuses(runs: Runs, *ids: str) -> list[str]:
    return [runs.client.get_run(run).info.status for run in ids]


def test_a_store_that_breaks_meanwhile_stops_no_training_and_the_curve_is_whole_at_its_end(
    runs: Runs, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _be_tonight(monkeypatch, uri, tmp_path)
    with live_run() as log:
        log(1, {"loss": 3.0})
        _sql(uri, "alter table metrics rename to away")
        log(2, {"loss": 2.0})
        _sql(uri, "alter table away rename to metrics")
        log(3, {"loss": 1.0})  # no step waits again for what failed once
    assert [record.levelname for record in caplog.records if "MLflow failed" in record.message] == ["WARNING"]
    run = runs.candidate_run(runs.night_run("tonight"), "upper", afresh=False)
    assert _losses(runs, run) == [3.0]
    curve = tmp_path / "curve.csv"
    curve.write_text("step,loss\n1,3.0\n2,2.0\n3,1.0\n")
    runs.log_candidate(run, {}, {}, curve)
    assert _losses(runs, run) == [3.0, 2.0, 1.0]


def test_a_store_that_is_down_stops_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    _be_tonight(monkeypatch, "http://127.0.0.1:1", tmp_path)
    with live_run() as log:
        log(1, {"loss": 3.0})
    assert "MLflow failed, training goes on" in caplog.text


def _be_tonight(monkeypatch: pytest.MonkeyPatch, uri: str, folder: Path) -> None:
    monkeypatch.setenv(NIGHT_KEY, "tonight")
    monkeypatch.setenv(CANDIDATE, "upper")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("PALATE_ARTIFACTS", str(folder))


def _sql(uri: str, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        database.execute(statement)


def _losses(runs: Runs, run: str) -> list[float]:
    return [each.value for each in runs.client.get_metric_history(run, "loss")]


def test_without_a_night_a_stage_logs_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NIGHT_KEY, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    with live_run() as log:
        log(1, {"loss": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_a_restored_trainings_curve_is_logged_from_its_file(runs: Runs, tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text("step,comparisons,loss,seconds,tokens\n1,4,2.5,1,10\n2,8,1.5,2,20\n")
    run = runs.candidate_run(runs.night_run("restored"), "c", afresh=False)
    for _ in range(2):
        runs.log_candidate(run, {"rank": 8}, {"pair_accuracy": 0.7}, curve)
    assert [(each.step, each.value) for each in runs.client.get_metric_history(run, "loss")] == [
        (1, 2.5),
        (2, 1.5),
    ]
