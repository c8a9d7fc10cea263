"""A real MLflow store on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.integrations.model_registry import (
    CANDIDATE,
    CHAMPION,
    MOST_CHARACTERS,
    NIGHT_KEY,
    Registry,
    live_run,
)

REPO = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def registry(uri: str, tmp_path: Path) -> Registry:
    return Registry(uri, tmp_path / "artifacts")


def _register(registry: Registry, tmp_path: Path, model: str, gate: str) -> str:
    run = registry.candidate_run(registry.night_run(f"{model}-{gate}"), "c", afresh=False)
    (tmp_path / "adapter").mkdir(exist_ok=True)
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    python_model = REPO / "serving" / "mlflow_model.py"
    artifacts = {"adapter": tmp_path / "adapter"}
    return registry.register(model, run, python_model, artifacts, REPO / "components", {"gate_sha256": gate})


def test_an_unfinished_night_is_found_again_and_a_finished_one_is_not(registry: Registry) -> None:
    first = registry.night_run("key")
    assert registry.night_run("key") == first
    assert registry.night_run("other") != first
    registry.finish(first)
    assert registry.night_run("key") != first


def test_a_training_that_starts_over_leaves_one_run_with_one_curve(
    registry: Registry, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NIGHT_KEY, "killed")
    monkeypatch.setenv(CANDIDATE, "upper")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("PALATE_ARTIFACTS", str(tmp_path))
    killed = live_run()
    killed.__enter__()(1, {"loss": 9.0})
    with live_run() as log:
        log(1, {"loss": 2.0})
    run = registry.candidate_run(registry.night_run("killed"), "upper", afresh=False)
    assert [each.value for each in registry.client.get_metric_history(run, "loss")] == [2.0]
    assert registry.client.get_run(run).info.status == "FINISHED"


def test_without_a_night_a_stage_logs_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NIGHT_KEY, raising=False)
    with live_run() as log:
        log(1, {"loss": 1.0})


def test_a_version_is_found_by_its_gate_report_and_carries_its_adapter(
    registry: Registry, tmp_path: Path
) -> None:
    version = _register(registry, tmp_path, "found", "abc")
    assert registry.find_version("found", "abc") == version
    assert registry.find_version("found", "xyz") is None
    artifacts = registry.download("found", version, tmp_path / "down")
    assert (artifacts / "adapter" / "adapter_model.safetensors").read_bytes() == b"weights"


def test_aliases_move_and_the_first_champion_is_made_once(registry: Registry, tmp_path: Path) -> None:
    one, two = (_register(registry, tmp_path, "aliased", gate) for gate in "ab")
    assert registry.alias("aliased", CHAMPION) is None
    registry.make_first_champion("aliased", one)
    assert registry.alias("aliased", CHAMPION) == one
    registry.point("aliased", CHAMPION, two)
    registry.make_first_champion("aliased", one)
    assert registry.alias("aliased", CHAMPION) == two
    registry.client.delete_registered_model_alias("aliased", CHAMPION)
    registry.make_first_champion("aliased", one)  # a person took it away: the night must not give it back
    assert registry.alias("aliased", CHAMPION) is None


def test_a_model_that_does_not_exist_has_no_alias_and_no_version(registry: Registry) -> None:
    assert registry.alias("nothing", CHAMPION) is None
    assert registry.find_version("nothing", "abc") is None


def test_a_restored_trainings_curve_is_logged_from_its_file(registry: Registry, tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text("step,comparisons,loss,seconds,tokens\n1,4,2.5,1,10\n2,8,1.5,2,20\n")
    run = registry.candidate_run(registry.night_run("restored"), "c", afresh=False)
    for _ in range(2):
        registry.log_candidate(run, {"rank": 8}, {"pair_accuracy": 0.7}, curve)
    assert [(each.step, each.value) for each in registry.client.get_metric_history(run, "loss")] == [
        (1, 2.5),
        (2, 1.5),
    ]


def test_a_description_keeps_the_gate_report_and_the_newest_words_in_what_mlflow_can_hold(
    registry: Registry, tmp_path: Path
) -> None:
    version, gate = _register(registry, tmp_path, "told", "abc"), "| model | pair accuracy |\n|---|---|"
    registry.comment("told", version, f"{gate}\n\n![plot](x)")

    def told() -> str:
        return str(registry.client.get_model_version("told", version).description)

    first = told()
    for number in range(30):
        registry.comment("told", version, f"Not released: reason {number}, {'x' * 300}.")
        registry.comment("told", version, f"Not released: reason {number}, {'x' * 300}.")  # not twice
    assert len(told()) <= MOST_CHARACTERS
    assert "Not released: reason 29," in told().splitlines()[0]
    assert told().count("reason 29,") == 1
    assert "reason 0," not in told()
    assert gate in told()
    assert first.rpartition("\n\n")[2] in told()
    registry.comment("told", version, "y" * 2 * MOST_CHARACTERS)
    assert len(told()) == MOST_CHARACTERS
