"""deploy/ as the first release leaves it, and what kubectl renders of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.integrations.kubernetes import manifests
from tests.conftest import REPO, needs

IMAGE = f"registry.example/palate@sha256:{'a' * 64}"


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deploy/ as the first release leaves it."""
    needs("kubectl")
    folder = tmp_path_factory.mktemp("deploy") / "deploy"
    shutil.copytree(REPO / "deploy", folder, ignore=shutil.ignore_patterns("released"))
    for name, component in (
        ("watched", "service-monitor"),
        ("trial", "trial"),
        ("stored", "store"),
        ("monitored", "monitoring"),
    ):
        shutil.copytree(folder / "overlays" / "prod", folder / "overlays" / name)
        with (folder / "overlays" / name / "kustomization.yaml").open("a") as file:
            file.write(f"  - ../../components/{component}\n")
    manifests.write_component(folder / "released" / "kustomization.yaml", IMAGE, {"model-version": "3"})
    return folder


def rendered(deploy: Path, overlay: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(deploy / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]
