"""What a Bento gets besides its code, in models/served: adapter or rule, canary, facts, dish vectors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.domain.errors import StageFailed
from components.domain.ranker.artifacts import HEAD_FILE, VECTORS_FILE
from components.domain.records import RULE
from components.domain.verdict.admission import is_rule
from components.domain.verdict.calibration import reliability
from components.domain.verdict.evaluation import SERVED_RULE
from components.files import DamagedFile, file_sha256, read_json, write_json
from components.integrations import bentos
from components.stages.paths import ERROR_PREFIX
from components.stages.reports import read_report
from flows.environment import REPO
from flows.release import stored_bases

SERVED = Path("models/served")
BEFORE = "before"  # folder in it with the version before, as serving/service.py reads it
FACTS = "served.json"


@dataclass(frozen=True)
class Trial:
    """How people are divided between a version and the one before, which travels in the same Bento.

    Attributes:
        before: Version number of the one before.
        folder: Its adapter or rule, canary and facts, as they were served.
        share: Share of the people whom the new version answers.
    """

    before: str
    folder: Path
    share: float


def stage(artifacts: Path, facts: Mapping[str, Any], trial: Trial | None) -> set[str]:
    """Fills models/served, which bentofile.yaml includes besides the code; returns the tags of the bases.

    Args:
        artifacts: Folder of the version's artifacts.
        facts: What served.json says besides the version's lineage.
        trial: The trial beside the version before; None where this version answers everybody.

    Raises:
        StageFailed: The vectors of the dishes could not be computed.
    """
    target = REPO / SERVED
    shutil.rmtree(target, ignore_errors=True)
    lineage = read_json(artifacts / "lineage.json")
    model = RULE if is_rule(lineage) else "adapter"
    shutil.copytree(artifacts / model, target / model)
    shutil.copy(artifacts / "canary.json", target / "canary.json")
    if trial:
        shutil.copytree(trial.folder, target / BEFORE, ignore=shutil.ignore_patterns(BEFORE))
    base = {} if is_rule(lineage) else {"base": stored_bases.store(lineage["base_sha256"])}
    share = trial.share if trial else 1.0
    sure = {"reliability": _reliability(artifacts, SERVED_RULE if is_rule(lineage) else lineage["candidate"])}
    write_json(target / FACTS, {**lineage, **facts, **sure, **base, "share": share})
    if (target / "adapter" / HEAD_FILE).exists():
        _pack(target, bentos.model_folder(base["base"]))
    return {stored_bases.tag_of(sha256) for sha256 in bases_in(target)}


def _reliability(artifacts: Path, candidate: str) -> list[tuple[float, float]]:
    """Reads how often the version was right on held-out pairs, by how sure it was."""
    return reliability(read_report(artifacts / "evaluation.json").calibration.get(candidate, ()))


def _pack(target: Path, base: Path) -> None:
    """Runs the stage `pack` in a new process, so that its memory is free again at its end."""
    command = [sys.executable, "-m", "components.stages", "pack", str(target), str(base)]
    process = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    if process.returncode:
        last_line = "".join((process.stdout + process.stderr).strip().splitlines()[-1:])
        raise StageFailed(f"reading the dishes failed: {last_line.removeprefix(ERROR_PREFIX)}")
    vectors = target / VECTORS_FILE
    if vectors.exists():
        write_json(target / FACTS, {**read_json(target / FACTS), "vectors_sha256": file_sha256(vectors)})


def bases_in(served: Path) -> set[str]:
    """Collects the checksums of the bases that a folder `models/served` needs from BentoML's store.

    A rule needs none, and neither does a version that was packaged before bases were stored there. A version
    with damaged facts counts as needing none.
    """
    checksums = set()
    for path in (served / FACTS, served / BEFORE / FACTS):
        try:
            facts = read_json(path) if path.exists() else {}
        except DamagedFile:
            continue
        if "base" in facts:
            checksums.add(str(facts["base_sha256"]))
    return checksums
