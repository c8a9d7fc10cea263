"""Another base model is one param: a whole night on another architecture, Gemma 3 with 270 M parameters.

Its licence lets us test with it, not ship it; the packages carry one GGUF file in four parts.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from benchmarks.bases import MISSING, second_gguf
from tests.flows.clones import make_clone, run_night

pytestmark = pytest.mark.weekly


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    """A folder with the model's GGUF file, put together."""
    folder = second_gguf(tmp_path / "gemma")
    if folder is None:
        verb = pytest.fail if os.environ.get("CI") else pytest.skip
        verb(MISSING)
    return folder


def test_a_night_on_another_architecture_needs_one_param_and_one_more_moves_its_state(
    inbox: Path, gguf: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(inbox, tmp_path / "inbox")
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["base"] = {"model": str(gguf)}
    for candidate in params["train"]["candidates"].values():
        candidate["layers"] = [16, 18]  # it has 18, not 30
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    clone, state = make_clone(tmp_path / "clone"), tmp_path / "state"
    project = (clone / "params.yaml").read_text()
    (clone / "params.yaml").write_text(project.replace("state: .palate ", f"state: {state} "))
    night = run_night(clone, "--data", str(folder), env=prefect)
    assert night.returncode == 0, night.stderr
    assert json.loads((clone / "models" / "base" / "config.json").read_text())["model_type"] == "gemma3_text"
    models = json.loads((clone / "reports" / "evaluation.json").read_text())["models"]
    assert {"top", "tip", "base", "base-tip", "base-top", "content-history"} <= set(models)
    assert models["tip"]["pair_accuracy"]["mean"] > 0.5
    served = json.loads((clone / "models" / "served" / "served.json").read_text())
    assert served["base_id"] == str(gguf)
    stores = {each.name for each in state.iterdir()}
    assert {"mlflow.db", "mlartifacts", "bentoml", "prefect", "dvc-remote"} <= stores
    assert not (clone / ".palate").exists()
    canary = json.loads((clone / "models" / "served" / "canary.json").read_text())
    assert canary["questions"]
