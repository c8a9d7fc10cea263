"""kustomize: renders overlays with the released image, and checks them against the rules."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations.kubernetes.rules import UNRELEASED, problems

IMAGE = "image"  # file with the image that all overlays beside it are pinned to, written last


def render(
    overlays: Path, target: Path, image: str, facts: Mapping[str, str], components: Sequence[str] = ()
) -> None:
    """Pins every overlay to an image in a folder `target/OVERLAY`, and renders it to `target/OVERLAY.yaml`.

    If kubectl is not on PATH, only the folders are written: `kubectl apply -k` can use them elsewhere.

    Args:
        overlays: Folder with one folder for each overlay; `components` lies beside it.
        target: Folder of the results; its former content is replaced.
        image: `NAME@sha256:…`; replaces the image of the base.
        facts: Annotations of the pods; new ones make Kubernetes roll the release out. `model-version` is a
            label, too, so that the pods of a version can be listed.
        components: Names of the components that the release needs.

    Raises:
        StageFailed: kustomize failed, or a manifest breaks a rule; the message lists every breach.
    """
    shutil.rmtree(target, ignore_errors=True)
    new_name, _, digest = image.rpartition("@")
    version = {f"palate/{key}": value for key, value in facts.items() if key == "model-version"}
    for overlay in sorted(path for path in overlays.iterdir() if path.is_dir()):
        folder = target / overlay.name
        folder.mkdir(parents=True)
        # kustomize takes no absolute path.
        to_deploy = os.path.relpath(overlays.parent.resolve(), folder.resolve())
        values: dict[str, Any] = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [f"{to_deploy}/{overlays.name}/{overlay.name}"],
            "components": [f"{to_deploy}/components/{name}" for name in components],
            "images": [{"name": UNRELEASED, "newName": new_name, "digest": digest}],
            "labels": [{"pairs": version, "includeTemplates": True}],
            "commonAnnotations": {f"palate/{key}": value for key, value in facts.items()},
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        if can_render():
            text = _kustomize(folder)
            if breaches := problems(objects(text)):
                raise StageFailed(f"deploy/overlays/{overlay.name} breaks a rule: {'; '.join(breaches)}")
            (target / f"{overlay.name}.yaml").write_text(text, encoding="utf-8")
    (target / IMAGE).write_text(image, encoding="utf-8")


def can_render() -> bool:
    """Tells whether kubectl is on PATH."""
    return shutil.which("kubectl") is not None


def check(overlay: str) -> str:
    """Renders one overlay and checks it against the rules.

    Returns:
        A sentence that all rules hold.

    Raises:
        NotFound: The folder or kubectl is missing.
        StageFailed: kustomize failed, or a rule is broken; the message has a line for each breach.
    """
    if not overlay or not Path(overlay).is_dir():
        raise NotFound(
            f"There is no folder '{overlay}': name an overlay, as in OVERLAY=deploy/overlays/prod."
        )
    if not can_render():
        raise NotFound("kubectl is not on PATH: install it, it renders the overlay.")
    manifests = objects(_kustomize(Path(overlay)))
    if breaches := problems(manifests):
        raise StageFailed("\n  ".join([f"{overlay} breaks a rule:", *breaches]))
    return f"{overlay}: {len(manifests)} objects, all rules hold"


def objects(text: str) -> list[dict[str, Any]]:
    """Reads the objects of rendered manifests."""
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def _kustomize(folder: Path) -> str:
    command = ["kubectl", "kustomize", str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise StageFailed(f"kubectl kustomize {folder.name}: {process.stderr.strip()}")
    return process.stdout
