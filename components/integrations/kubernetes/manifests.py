"""kustomize: the component that pins an overlay to the released image, and the rendered manifests."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.domain.errors import StageFailed
from components.integrations.kubernetes.rules import problems


@contextlib.contextmanager
def pinned(path: Path, image: str, facts: Mapping[str, str]) -> Iterator[None]:
    """Pins the overlays to an image, as `write_component` does; a failure within puts back what was there."""
    before = path.read_bytes() if path.exists() else None
    write_component(path, image, facts)
    try:
        yield
    except BaseException:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
        raise


def write_component(path: Path, image: str, facts: Mapping[str, str]) -> None:
    """Writes the kustomize component that every overlay takes in.

    Args:
        path: Of its kustomization.yaml.
        image: `NAME@sha256:…`, in the place of the base's `palate`.
        facts: Of the release; annotations on the pods, so that a new release is a new rollout.
    """
    new_name, _, digest = image.rpartition("@")
    values: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": [{"name": "palate", "newName": new_name, "digest": digest}],
        "commonAnnotations": {f"palate/{key}": value for key, value in facts.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    partial.replace(path)


def names_image(path: Path, image: str) -> bool:
    """Whether the component pins exactly this image."""
    if not path.exists():
        return False
    pinned = yaml.safe_load(path.read_text(encoding="utf-8"))["images"][0]
    return bool(f"{pinned['newName']}@{pinned['digest']}" == image)


def can_render() -> bool:
    """Whether kubectl is installed."""
    return shutil.which("kubectl") is not None


def render(overlays: Path, target: Path) -> None:
    """Renders every overlay to `target/OVERLAY.yaml`; does nothing where kubectl is not installed.

    Raises:
        StageFailed: kustomize's own words, or the rules that the manifests break.
    """
    if not can_render():
        return
    target.mkdir(parents=True, exist_ok=True)
    for overlay in sorted(each for each in overlays.iterdir() if each.is_dir()):
        done = subprocess.run(
            ["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StageFailed(f"kubectl kustomize {overlay.name}: {done.stderr.strip()}")
        broken = problems([each for each in yaml.safe_load_all(done.stdout) if each])
        if broken:
            raise StageFailed(f"deploy/overlays/{overlay.name} breaks a rule: {'; '.join(broken)}")
        (target / f"{overlay.name}.yaml").write_text(done.stdout, encoding="utf-8")
