"""The Bento of a version: model, canary and facts are put into models/served, then BentoML builds it."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.domain.errors import NotFound, StageFailed
from components.domain.exposures import SERVICE as SOURCE
from components.domain.params import Params
from components.domain.verdict.admission import is_rule
from components.files import folder_sha256, read_as, remove_bytecode, replace_text, write_state
from components.integrations import bentos
from flows.environment import REPO, STATE
from flows.lock import one_at_a_time
from flows.release import staging, stored_bases
from flows.release.staging import SERVED, Trial

logger = logging.getLogger(__name__)
SERVICE = "palate"  # name of the service in serving/service.py, and so of every Bento
PROVE_S = 300  # seconds that a Bento may take to load its model and answer its canary
SUMS = STATE / "bentos.json"  # by tag the checksum of all that a Bento runs, its code as well as its model
BENTO_TAG = STATE / "bento"  # the tag that `make serve` serves


@dataclass(frozen=True)
class Packaged:
    """The Bento of a version, as `build` found or made it.

    Attributes:
        tag: Tag in BentoML's store.
        version: Version number in the registry.
        new: Whether the Bento was built by this call.
        trial: Whether it holds the version before as well.
    """

    tag: str
    version: str
    new: bool
    trial: bool = False


def build(
    params: Params,
    version: str,
    tags: Mapping[str, str],
    artifacts: Path,
    *,
    promoted: bool,
    trial: Trial | None = None,
) -> Packaged:
    """Builds a version's Bento unless the store has an undamaged one; waits for a build that is running.

    Args:
        artifacts: Folder of its artifacts, as they were verified.
        promoted: Whether a person promoted the version; else the Bento is marked.
        trial: The trial beside the version before; None where this version answers everybody.

    Raises:
        NotFound: The version's base is neither in BentoML's store nor below models/.
        StageFailed: Staging or building failed, or the disk is full or cannot be written to.
    """
    tag = tag_of(version, tags, promoted=promoted, trial=trial)
    with one_at_a_time(STATE, "bento", wait=True):  # every build fills the same folder models/served
        if find_whole(tag):
            return Packaged(tag, version, new=False, trial=trial is not None)
        try:
            bases = staging.stage(artifacts, facts_of(params, version, tags, tag, promoted=promoted), trial)
            _build_new(params, version, tag, tags, sorted(bases), promoted=promoted)
        except OSError as error:
            raise StageFailed(
                f"{tag} could not be packaged: {error}; what is served stays. Make room, then run again."
            ) from error
        return Packaged(tag, version, new=True, trial=trial is not None)


def tag_of(version: str, tags: Mapping[str, str], *, promoted: bool, trial: Trial | None = None) -> str:
    """Builds the tag of a version's Bento, whether that Bento exists or not.

    Args:
        promoted: Whether a person promoted the version.
        trial: The trial beside the version before; None where this version answers everybody.
    """
    mark = "" if promoted else "best-" if is_rule(tags) else "preview-"
    name = f"{SERVICE}:{mark}v{version}-{tags.get('gate_sha256', '')[:8]}"
    return f"{name}-beside-v{trial.before}-{trial.share:g}" if trial else name


def _build_new(
    params: Params, version: str, tag: str, tags: Mapping[str, str], bases: Sequence[str], *, promoted: bool
) -> None:
    labels = {key: tags[key] for key in ("data_md5", "git_sha", "gate_sha256", "gate")}
    labels |= {"model_version": version, "preview": str(not promoted).lower()}
    release = params.release
    image = {"PALATE_BASE_IMAGE": release.base_image, "PALATE_TORCH_BACKEND": release.torch_backend}
    bentos.build(REPO, tag.partition(":")[2], labels, bases, image)
    source = bentos.find(tag)
    if source:
        remove_bytecode(source)
        write_state(SUMS, {**_sums(), tag: folder_sha256(source)})


def facts_of(
    params: Params, version: str, tags: Mapping[str, str], tag: str, *, promoted: bool
) -> dict[str, Any]:
    """Collects what served.json says of a version besides its lineage."""
    trained_on = params.check.value_range
    scale = params.collect.scales.get(SOURCE)  # of feedback, where it is another than that of the rest
    proven = "proven" if tags.get("gate") == "pass" else "unproven"
    return {
        "model_version": version,
        "preview": not promoted,
        "standing": "promoted" if promoted else proven,
        "model": params.register_.model,
        "bento": tag,
        "serve": params.serve.model_dump(),
        "value_range": trained_on,
        "feedback_range": scale.value_range if scale else trained_on,
    }


def _sums() -> dict[str, str]:
    return read_as(dict[str, str], SUMS) if SUMS.exists() else {}


def version_of(tag: str) -> str:
    """Reads the version from a Bento's tag."""
    match = re.match(rf"{SERVICE}:(?:best-|preview-)?v(\d+)-", tag)
    return match[1] if match else ""


def promoted_version_of(tag: str) -> str:
    """Reads the version from a Bento's tag; empty for one that nobody promoted."""
    match = re.fullmatch(rf"{SERVICE}:v(\d+)-.*", tag)
    return match[1] if match else ""


def remove(tag: str) -> None:
    """Deletes a Bento and its checksum."""
    bentos.remove(tag)
    write_state(SUMS, {other: checksum for other, checksum in _sums().items() if other != tag})


def serve_from_now_on(tag: str) -> None:
    """Sets the Bento that `make serve` starts and that `make up` switches to."""
    if served() != tag:
        replace_text(BENTO_TAG, f"{tag}\n")


def served() -> str:
    """Reads the tag of the Bento that is served; empty where none is."""
    return BENTO_TAG.read_text(encoding="utf-8").strip() if BENTO_TAG.exists() else ""


def find_whole(tag: str) -> Path | None:
    """Finds the folder of a Bento's code, and checks that code, model and base are as they were stored.

    Bytecode is removed, and so is a damaged Bento, for which the answer is None. A damaged base is stored
    anew from models/, which mends all Bentos that need it.

    Raises:
        StageFailed: The Bento cannot be read, or its base cannot be stored.
    """
    source = bentos.find(tag)
    if source is None:
        return None
    remove_bytecode(source)
    if _sums().get(tag) != folder_sha256(source) or not _has_its_bases(tag, source):
        bentos.remove(tag)
        return None
    return source


def service_env() -> dict[str, str]:
    """Builds the environment for running a Bento's code, with which Python writes no bytecode beside it."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "true"}


def _has_its_bases(tag: str, source: Path) -> bool:
    try:
        for sha256 in staging.bases_in(source / SERVED):
            stored_bases.store(sha256)
    except NotFound as error:
        logger.warning("Bento %s cannot be served: %s", tag, error)
        return False
    return True


def remove_unused_bases() -> list[str]:
    """Removes the bases that no Bento needs, and returns their tags."""
    with one_at_a_time(STATE, "bento", wait=True):  # whose base is stored before its Bento
        folders = (bentos.folder_of(tag) / "src" / SERVED for tag in bentos.newest_first(SERVICE))
        return stored_bases.remove_all_but(set().union(*map(staging.bases_in, folders)))


def why_unproven(tag: str) -> str | None:
    """Starts a Bento and explains why it may not be served; None where its code and model pass its canary.

    Raises:
        StageFailed: The Bento gave no answer within PROVE_S seconds, so it may be good or bad.
    """
    source = find_whole(tag)
    if source is None:
        return "its Bento is damaged"
    try:
        process = subprocess.run(
            [sys.executable, "-m", "serving.prove"],
            cwd=source, env=service_env(), capture_output=True, text=True, check=False, timeout=PROVE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise StageFailed(
            f"{tag} did not answer its canary within {PROVE_S} s: is this machine overloaded? The next pass "
            "tries again."
        ) from None
    if not process.returncode:
        return None
    words = process.stdout.strip() or process.stderr.strip() or f"it ended with {process.returncode}"
    return words.splitlines()[-1]
