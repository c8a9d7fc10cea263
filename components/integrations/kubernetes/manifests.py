"""kustomize: the component that pins an overlay to the released image, and the rendered manifests."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.domain.errors import StageFailed
from components.files import replace_text
from components.integrations.kubernetes.rules import problems


@contextlib.contextmanager
def pinned(path: Path, image: str, facts: Mapping[str, str], parts: Sequence[str] = ()) -> Iterator[None]:
    """Pins the overlays to an image while the block runs, and afterwards unless the block fails.

    Args:
        path: The component's kustomization.yaml.
        image: `NAME@sha256:…`.
        facts: Annotations of the pods.
        parts: Names of folders in deploy/components that the release needs.

    Raises:
        BaseException: Whatever the block raises, after the old file was restored.
    """
    before = path.read_bytes() if path.exists() else None
    write_component(path, image, facts, parts)
    try:
        yield
    except BaseException:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
        raise


def write_component(path: Path, image: str, facts: Mapping[str, str], parts: Sequence[str] = ()) -> None:
    """Writes the kustomize component that every overlay includes.

    Args:
        path: The component's kustomization.yaml.
        image: `NAME@sha256:…`; replaces the image `palate` of the base.
        facts: Annotations of the pods; new ones make Kubernetes roll the release out. `model-version` is a
            label, too, so that the pods of a version can be listed.
        parts: Names of folders in deploy/components that the release needs.
    """
    version = {f"palate/{key}": value for key, value in facts.items() if key == "model-version"}
    new_name, _, digest = image.rpartition("@")
    values: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "components": [f"../components/{name}" for name in parts],
        "images": [{"name": "palate", "newName": new_name, "digest": digest}],
        "labels": [{"pairs": version, "includeTemplates": True}],
        "commonAnnotations": {f"palate/{key}": value for key, value in facts.items()},
    }
    replace_text(path, yaml.safe_dump(values, sort_keys=False))


def names_image(path: Path, image: str) -> bool:
    """Whether the component pins exactly this image."""
    if not path.exists():
        return False
    override = yaml.safe_load(path.read_text(encoding="utf-8"))["images"][0]
    return bool(f"{override['newName']}@{override['digest']}" == image)


def can_render() -> bool:
    """Whether kubectl is on PATH."""
    return shutil.which("kubectl") is not None


def render(overlays: Path, target: Path) -> None:
    """Renders every overlay to `target/OVERLAY.yaml`; does nothing where kubectl is not on PATH.

    Args:
        overlays: Folder with one folder for each overlay.
        target: Folder of the rendered manifests; created where it is missing.

    Raises:
        StageFailed: kustomize failed, with its message, or a manifest breaks a rule, with every breach.
    """
    if not can_render():
        return
    target.mkdir(parents=True, exist_ok=True)
    for overlay in sorted(path for path in overlays.iterdir() if path.is_dir()):
        command = ["kubectl", "kustomize", str(overlay)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            raise StageFailed(f"kubectl kustomize {overlay.name}: {process.stderr.strip()}")
        breaches = problems([manifest for manifest in yaml.safe_load_all(process.stdout) if manifest])
        if breaches:
            raise StageFailed(f"deploy/overlays/{overlay.name} breaks a rule: {'; '.join(breaches)}")
        (target / f"{overlay.name}.yaml").write_text(process.stdout, encoding="utf-8")
