"""What is stored of a version is what was registered: checked on a real registry, file by file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.domain.verdict.admission import ALL_ARTIFACTS, LINEAGE
from components.files import file_sha256, folder_sha256, weights_sha256, write_json
from components.integrations.model_registry.registry import Registry
from components.integrations.model_registry.runs import Runs
from components.stages.reports import write_report
from flows.release.verification import why_refused
from tests.conftest import REPO
from tests.domain.verdict.test_evaluation import REPORT


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Path]:
    """Tags and downloaded artifacts of a version that was just registered."""
    folder = tmp_path_factory.mktemp("registered")
    source, uri = folder / "source", f"sqlite:///{folder / 'mlflow.db'}"
    (source / "adapter").mkdir(parents=True)
    (source / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    write_json(source / "adapter" / "adapter_config.json", {"lora_alpha": 16})
    write_json(source / "canary.json", {"questions": [{"adapter": [1.0]}]})
    write_report(source / "evaluation.json", replace(REPORT, gate=replace(REPORT.gate, decision="pass")))
    tags = dict.fromkeys(LINEAGE, "x") | {
        "gate_sha256": file_sha256(source / "evaluation.json"),
        "adapter_sha256": weights_sha256(source / "adapter"),
        "base_sha256": "b",
    }
    write_json(source / "lineage.json", tags)
    files = {path.stem: path for path in source.iterdir()}
    runs, registry = Runs(uri, folder / "artifacts"), Registry(uri)
    run = runs.candidate_run(runs.night_run("night"), "c", afresh=False)
    version = registry.register(
        "m", run, REPO / "serving" / "mlflow_model.py", files, REPO / "components", tags
    )
    return registry.tags("m", version), registry.download("m", version, folder / "down")


def test_a_download_has_the_checksum_of_what_was_registered(downloaded: tuple[dict[str, str], Path]) -> None:
    tags, artifacts = downloaded
    assert folder_sha256(artifacts.parent) == tags[ALL_ARTIFACTS]
    assert {"MLmodel", "code", "artifacts"} < {path.name for path in artifacts.parent.iterdir()}


def _change_alpha_and_canary(artifacts: Path) -> None:
    write_json(artifacts / "adapter" / "adapter_config.json", {"lora_alpha": 64})
    canary = json.loads((artifacts / "canary.json").read_text())
    canary["questions"][0]["adapter"] = [4.0]  # as the changed adapter answers
    write_json(artifacts / "canary.json", canary)


@pytest.mark.parametrize(
    "change",
    [
        _change_alpha_and_canary,
        lambda artifacts: (artifacts / "adapter" / "more.json").write_text("{}"),
        lambda artifacts: (artifacts / "adapter" / "adapter_config.json").unlink(),
        lambda artifacts: (artifacts / "canary.json").rename(artifacts / "adapter" / "canary.json"),
        lambda artifacts: (artifacts.parent / "code" / "components" / "files.py").write_text("evil"),
        lambda artifacts: (artifacts.parent / "MLmodel").write_text("loader_module: evil"),
        lambda artifacts: (artifacts.parent / "code" / "torch.py").write_text("evil"),
    ],
)
def test_whatever_was_changed_is_refused(
    downloaded: tuple[dict[str, str], Path], tmp_path: Path, change: Callable[[Path], object]
) -> None:
    tags, artifacts = downloaded
    copy = shutil.copytree(artifacts.parent, tmp_path / "copy") / "artifacts"
    assert why_refused(tags, copy, "b") is None
    change(copy)
    assert re.search("its artifacts have checksum|canary.json is missing", str(why_refused(tags, copy, "b")))
