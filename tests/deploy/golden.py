"""Golden files: all that deploy/ renders, and the Job of a night.

`python -m tests.deploy.golden` writes them anew; what git then shows is the change, for a review.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.files import read_json
from components.integrations.kubernetes import manifests
from flows.machine import deployments
from tests.conftest import REPO
from tests.deploy.test_worker import job_of

FOLDER = Path(__file__).parent / "golden"
IMAGE = f"registry.example/palate@sha256:{'a' * 64}"
FACTS = {"model-version": "3", "bento": "palate:v3-0123abcd"}
FULL = {
    "overlays/full": ("overlays/prod", "palate", ("gpu", "monitoring", "service-monitor", "store", "trial")),
    "pipeline-full": ("pipeline", "palate-pipeline", ("s3-port",)),
}
OVERLAYS = ("overlays/dev", "overlays/prod", "overlays/full", "pipeline-full")
JOB = "pipeline/job-template.json"
NAMES = (*OVERLAYS, "released", "job", "job-gpu")


def copy_of_deploy(folder: Path) -> Path:
    """Copies deploy/ into a folder, and adds the overlays that take all components in."""
    deploy = folder / "deploy"
    shutil.copytree(REPO / "deploy", deploy)
    for name, (base, namespace, components) in FULL.items():
        to_deploy = "../" * (name.count("/") + 1)
        values = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": namespace,
            "resources": [f"{to_deploy}{base}"],
            "components": [f"{to_deploy}components/{each}" for each in components],
        }
        (deploy / name).mkdir()
        (deploy / name / "kustomization.yaml").write_text(yaml.safe_dump(values))
    return deploy


def objects_of(deploy: Path, name: str) -> list[dict[str, Any]]:
    """Renders an overlay, or prod as a release does; or makes the Job of a night."""
    if name == "job":
        return [job_of(read_json(deploy / JOB))]
    if name == "job-gpu":
        return [job_of(deployments.job_template(IMAGE, gpu=True))]
    if name == "released":
        manifests.render(deploy / "overlays", deploy.parent / "out", IMAGE, FACTS, ("gpu", "trial"))
        return manifests.objects((deploy.parent / "out" / "prod.yaml").read_text())
    done = subprocess.run(
        ["kubectl", "kustomize", str(deploy / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def kind_and_name(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def text_of(objects: Sequence[Mapping[str, Any]]) -> str:
    """Writes objects in one order, whatever the version of kustomize."""
    in_order = sorted(objects, key=kind_and_name)
    return str(yaml.safe_dump_all(in_order, width=110, allow_unicode=True))


def golden_of(name: str) -> Path:
    return FOLDER / f"{name.rpartition('/')[2]}.yaml"


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        deploy = copy_of_deploy(Path(folder))
        for name in NAMES:
            golden_of(name).write_text(text_of(objects_of(deploy, name)))


if __name__ == "__main__":
    _write()
