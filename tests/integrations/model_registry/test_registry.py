"""Registered versions in a real MLflow store on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.integrations.model_registry.registry import CHAMPION, MAX_DESCRIPTION, Registry
from components.integrations.model_registry.runs import Runs
from tests.conftest import REPO


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def registry(uri: str) -> Registry:
    return Registry(uri)


def _register(registry: Registry, uri: str, tmp_path: Path, model: str, gate: str) -> str:
    runs = Runs(uri, tmp_path / "artifacts")
    run = runs.candidate_run(runs.night_run(f"{model}-{gate}"), "c", afresh=False)
    (tmp_path / "adapter").mkdir(exist_ok=True)
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    python_model = REPO / "serving" / "mlflow_model.py"
    artifacts = {"adapter": tmp_path / "adapter"}
    tags = {"gate_sha256": gate, "candidate": "c"}
    return registry.register(model, run, python_model, artifacts, REPO / "components", tags)


def test_a_version_is_found_by_its_gate_report_and_carries_its_adapter(
    registry: Registry, uri: str, tmp_path: Path
) -> None:
    version = _register(registry, uri, tmp_path, "found", "abc")
    assert registry.find_version("found", "abc", "c") == version
    assert registry.find_version("found", "xyz", "c") is None
    assert registry.find_version("found", "abc", "d") is None
    artifacts = registry.download("found", version, tmp_path / "down")
    assert (artifacts / "adapter" / "adapter_model.safetensors").read_bytes() == b"weights"


def test_aliases_move_and_the_first_champion_is_made_once(
    registry: Registry, uri: str, tmp_path: Path
) -> None:
    one, two = (_register(registry, uri, tmp_path, "aliased", gate) for gate in "ab")
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
    assert registry.find_version("nothing", "abc", "c") is None


def test_a_description_keeps_the_gate_report_and_the_newest_words_in_what_mlflow_can_hold(
    registry: Registry, uri: str, tmp_path: Path
) -> None:
    version, gate = (
        _register(registry, uri, tmp_path, "described", "abc"),
        "| model | pair accuracy |\n|---|---|",
    )
    registry.comment("described", version, f"{gate}\n\n![plot](x)")

    def description() -> str:
        return str(registry.client.get_model_version("described", version).description)

    first = description()
    for number in range(30):
        registry.comment("described", version, f"Not released: reason {number}, {'x' * 300}.")
        registry.comment("described", version, f"Not released: reason {number}, {'x' * 300}.")  # not twice
    assert len(description()) <= MAX_DESCRIPTION
    assert "Not released: reason 29," in description().splitlines()[0]
    assert description().count("reason 29,") == 1
    assert "reason 0," not in description()
    assert gate in description()
    assert first.rpartition("\n\n")[2] in description()
    registry.comment("described", version, "y" * 2 * MAX_DESCRIPTION)
    assert len(description()) == MAX_DESCRIPTION


def test_checksums_share_a_tag_and_one_that_stands_by_itself_has_the_last_word(
    registry: Registry, uri: str, tmp_path: Path
) -> None:
    version = _register(registry, uri, tmp_path, "grouped", "abc")
    stored = registry.client.get_model_version("grouped", version).tags
    assert "artifacts_sha256" not in stored
    assert len(registry.tags("grouped", version)["artifacts_sha256"]) == 64
    registry.tag("grouped", version, "artifacts_sha256", "changed")
    assert registry.versions("grouped")[version]["artifacts_sha256"] == "changed"
    registry.untag("grouped", version, "artifacts_sha256")
    for broken in ("{", "[]", "7"):
        registry.tag("grouped", version, "checksums", broken)
        assert "artifacts_sha256" not in registry.tags("grouped", version)
