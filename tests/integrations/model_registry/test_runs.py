"""Runs of nights in a real MLflow store on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.integrations.model_registry.runs import CANDIDATE, NIGHT_KEY, Runs, live_run


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


def test_without_a_night_a_stage_logs_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NIGHT_KEY, raising=False)
    with live_run() as log:
        log(1, {"loss": 1.0})


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
