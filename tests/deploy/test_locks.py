"""Every lock names the files that may be installed, and deploy/sbom.json is the service's lock."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from serving import image
from tests.conftest import REPO

PIN = re.compile(r"[a-z0-9-]+==[0-9a-z.]+(\+cpu)?( --hash=sha256:[0-9a-f]{64})+")
LOCKS = [*REPO.glob("requirements*.lock")]


def lines_of(lock: Path) -> list[str]:
    """Each pin with its hashes on one line."""
    text = lock.read_text().replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_line_of_a_lock_is_one_version_with_hashes_of_its_files(lock: Path) -> None:
    lines = lines_of(lock)
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    assert len({line.partition("==")[0] for line in lines}) == len(lines)


def test_the_service_has_the_files_that_the_tests_run_with() -> None:
    assert set(lines_of(REPO / "requirements-service.lock")) <= set(lines_of(REPO / "requirements.lock"))


def test_the_list_of_the_images_packages_is_its_lock_and_lies_in_the_bento() -> None:
    bom = json.loads((REPO / "deploy" / "sbom.json").read_text())
    listed = {f"{package['name']}=={package['version']}" for package in bom["components"]}
    pinned = {line.split()[0] for line in lines_of(REPO / "requirements-service.lock")}
    assert listed == pinned, "out of step: make audit"
    version = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    assert bom["metadata"]["component"]["version"] == version, "out of step: make audit"
    assert "deploy/sbom.json" in yaml.safe_load((REPO / "bentofile.yaml").read_text())["include"]


def test_the_locks_take_torchs_cpu_builds_too() -> None:
    (cpu,) = lines_of(REPO / "requirements-cpu.lock")
    torch = next(line for line in lines_of(REPO / "requirements.lock") if line.startswith("torch=="))
    assert set(cpu.replace("+cpu", "").split()) < set(torch.split())


@pytest.mark.parametrize("backend", ["", "cpu", "cu130"])
def test_the_image_asks_for_the_locks_hashes_but_those_of_torch_for_a_gpu(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(image.TORCH_BACKEND, backend)
    described = image.service_image()
    pinned = lines_of(REPO / "requirements-service.lock")
    assert described.python_requirements.splitlines() == [
        each for each in pinned if each.startswith("bentoml==")
    ]
    (tmp_path / "src").mkdir()
    lock = shutil.copy(REPO / "requirements-service.lock", tmp_path / "src")
    before_install = described.post_commands[0].partition("UV_")[0]
    subprocess.run(["sh", "-c", f"{before_install} :"], cwd=tmp_path, check=True)
    torch = next(line for line in pinned if line.startswith("torch=="))
    if backend == "cu130":
        pinned[pinned.index(torch)] = torch.split()[0]
    assert lines_of(Path(lock)) == pinned
