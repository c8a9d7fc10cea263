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

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.integrations import bentos
from components.stages.paths import ERROR_PREFIX, read_json, weights_sha256, write_json
from flows.environment import REPO, STATE
from flows.steps.registration import Registered, registry

SERVED = Path("models/served")
BENTO_TAG = STATE / "bento"  # the tag that `make serve` serves


@dataclass(frozen=True)
class Packaged:
    """A Bento of a version, and whether it was there before."""

    tag: str
    version: str
    preview: bool
    new: bool


@task(cache_policy=NO_CACHE)
def preview(params: Params, registered: Registered) -> Packaged | None:
    """While there is no champion: tonight's best as a Bento that is marked as preview, if params want one."""
    if registered.champion is not None or not params.package.preview:
        return None
    packaged = build(params, registered.version, preview=True)
    serve_from_now_on(packaged.tag)
    return packaged


def build(params: Params, version: str, *, preview: bool) -> Packaged:
    """Builds a version's Bento unless a whole one is in the store; one build at a time.

    Raises:
        StageFailed: The disk is full or may not be written to, or BentoML's own words.
    """
    model = params.register_.model
    tags = registry().tags(model, version)
    name = f"{'preview-' if preview else ''}v{version}-{tags['gate_sha256'][:8]}"
    tag = f"{model}:{name}"
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


def _build_new(params: Params, version: str, tag: str, tags: Mapping[str, str], *, preview: bool) -> None:
    model, name = tag.split(":")
    facts = {"model_version": version, "preview": preview, "model": model, "bento": tag}
    _stage_model(model, version, facts | {"serve": params.serve.model_dump()})
    labels = {key: tags[key] for key in ("data_md5", "git_sha", "gate_sha256", "gate")}
    labels |= {"model_version": version, "preview": str(preview).lower()}
    labels["weights_sha256"] = weights_sha256(REPO / SERVED / "model")
    image = {
        "PALATE_BASE_IMAGE": params.release.base_image,
        "PALATE_TORCH_BACKEND": params.release.torch_backend,
    }
    bentos.build(REPO, name, labels, image)


def serve_from_now_on(tag: str) -> None:
    """What `make serve` starts next, and what `make up` changes to."""
    if not BENTO_TAG.exists() or BENTO_TAG.read_text(encoding="utf-8").strip() != tag:
        BENTO_TAG.write_text(f"{tag}\n", encoding="utf-8")


def find_whole(tag: str) -> bentos.Found | None:
    """The Bento, if the store holds it with the weights it was built with; a damaged one is removed."""
    found = bentos.find(tag)
    if found and weights_sha256(found.folder / "src" / SERVED / "model") != found.labels.get(
        "weights_sha256"
    ):
        bentos.remove(tag)
        return None
    return found


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
