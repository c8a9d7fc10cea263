"""From a registered version to its Bento: merged weights, canary and facts staged, then built, once."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.files import folder_sha256, read_json, replace_text, write_json
from components.integrations import bentos
from components.stages.paths import ERROR_PREFIX
from flows.environment import REPO, STATE
from flows.steps.registration import Registered, registry

SERVED = Path("models/served")
SERVICE = "palate"  # the name in serving/service.py, which is that of every Bento
PROVE_S = 300  # a load and a canary; a machine that takes longer has no time to serve either
BENTO_TAG = STATE / "bento"  # the tag that `make serve` serves


@dataclass(frozen=True)
class Packaged:
    """A Bento of a version, and whether it was there before."""

    tag: str
    version: str
    preview: bool
    new: bool


def preview(params: Params, registered: Registered) -> Packaged | None:
    """Tonight's best candidate as a Bento marked as preview, if there is no champion and params allow it."""
    if registered.champion is not None or not params.package.preview:
        return None
    return build(params, registered.version, preview=True)


def build(params: Params, version: str, *, preview: bool) -> Packaged:
    """Builds a version's Bento unless a whole one is in the store; one build at a time.

    Raises:
        StageFailed: The disk is full or may not be written to, or BentoML's own words.
    """
    model = params.register_.model
    tags = registry().tags(model, version)
    tag = tag_of(version, tags, preview=preview)
    with (STATE / "bento.lock").open("a") as lock:  # models/served is one folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_whole(tag):
            return Packaged(tag, version, preview, new=False)
        try:
            _build_new(params, version, tag, tags, preview=preview)
        except OSError as error:
            raise StageFailed(
                f"{tag} could not be packaged: {error}; what is served stays. Make room, then run again."
            ) from error
        return Packaged(tag, version, preview, new=True)


def tag_of(version: str, tags: Mapping[str, str], *, preview: bool) -> str:
    """The Bento of a version, built or not.

    Args:
        version: Of the registered model.
        tags: The version's.
        preview: Whether nobody promoted it.
    """
    return f"{SERVICE}:{'preview-' if preview else ''}v{version}-{tags.get('gate_sha256', '')[:8]}"


def _build_new(params: Params, version: str, tag: str, tags: Mapping[str, str], *, preview: bool) -> None:
    model, name = params.register_.model, tag.partition(":")[2]
    facts = {"model_version": version, "preview": preview, "model": model, "bento": tag}
    _stage_model(model, version, facts | {"serve": params.serve.model_dump()})
    labels = {key: tags[key] for key in ("data_md5", "git_sha", "gate_sha256", "gate")}
    labels |= {"model_version": version, "preview": str(preview).lower()}
    labels["served_sha256"] = folder_sha256(REPO / SERVED)
    image = {
        "PALATE_BASE_IMAGE": params.release.base_image,
        "PALATE_TORCH_BACKEND": params.release.torch_backend,
    }
    bentos.build(REPO, name, labels, image)


def serve_from_now_on(tag: str) -> None:
    """What `make serve` starts next, and what `make up` changes to."""
    if served() != tag:
        replace_text(BENTO_TAG, f"{tag}\n")


def served() -> str:
    """The tag of what is served; empty where nothing is."""
    return BENTO_TAG.read_text(encoding="utf-8").strip() if BENTO_TAG.exists() else ""


def find_whole(tag: str) -> bentos.StoredBento | None:
    """The Bento, if the store holds it with the model it was built with; a damaged one is removed."""
    found = bentos.find(tag)
    if found and folder_sha256(found.folder / "src" / SERVED) != found.labels.get("served_sha256"):
        bentos.remove(tag)
        return None
    return found


def why_unproven(tag: str) -> str | None:
    """Starts the Bento's code on its model; the reason why it may not be served, or None."""
    found = find_whole(tag)
    if found is None:
        return "its Bento is damaged"
    command = [sys.executable, "-m", "serving.prove"]
    try:
        done = subprocess.run(
            command, cwd=found.folder / "src", capture_output=True, text=True, check=False, timeout=PROVE_S
        )
    except subprocess.TimeoutExpired:
        raise StageFailed(
            f"{tag} did not answer its canary within {PROVE_S} s: is this machine overloaded? The next pass "
            "tries again."
        ) from None
    if not done.returncode:
        return None
    words = done.stdout.strip() or done.stderr.strip() or f"it ended with {done.returncode}"
    return words.splitlines()[-1]


def _stage_model(model: str, version: str, facts: Mapping[str, Any]) -> None:
    """Fills models/served: what bentofile.yaml takes along beside the code."""
    target = REPO / SERVED
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = registry().download(model, version, Path(folder))
        merge = [
            sys.executable,
            "-m",
            "components.stages",
            "merge",
            str(artifacts / "adapter"),
            str(target / "model"),
        ]
        done = subprocess.run(merge, cwd=REPO, capture_output=True, text=True, check=False)
        if done.returncode:
            told = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise StageFailed(
                f"merging version {version} failed: {' '.join(told).removeprefix(ERROR_PREFIX)}"
            )
        shutil.copy(artifacts / "canary.json", target / "canary.json")
        lineage = read_json(artifacts / "lineage.json")
    write_json(target / "served.json", {**lineage, **facts})
