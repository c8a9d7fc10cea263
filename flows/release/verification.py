"""Whether a version may be served, judged by the contents of its artifacts and the base it would get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.domain.errors import NotFound
from components.domain.records import RULE
from components.domain.verdict import admission
from components.files import file_sha256, folder_sha256, read_json, weights_sha256
from components.stages import paths
from components.stages.bases import MARKER, base_facts, base_with
from components.stages.reports import read_report
from flows.environment import REPO
from flows.release import bento


def why_refused(tags: Mapping[str, str], artifacts: Path, base_sha256: str) -> str | None:
    """Explains why a version may not be served, judged by the contents of its artifacts; None if it may.

    Args:
        artifacts: Folder of its artifacts, beside which the rest of the model lies.
        base_sha256: Checksum of the base that it would be served with.
    """
    report, lineage = artifacts / "evaluation.json", artifacts / "lineage.json"
    gate_sha256 = file_sha256(report) if report.exists() else None
    # A report with another checksum is not the night's, so its decision is not read.
    unchanged = gate_sha256 is not None and gate_sha256 == tags.get("gate_sha256")
    whole = folder_sha256(artifacts.parent)
    earlier = folder_sha256(artifacts)  # before 2026-12 a tag held that of the artifacts alone
    rule = admission.is_rule(tags)
    model_sha256 = folder_sha256(artifacts / RULE) if rule else weights_sha256(artifacts / "adapter")
    measured = admission.Measured(
        gate_sha256=gate_sha256,
        gate=_decision(report, tags) if unchanged else "",
        model_sha256=model_sha256,
        base_sha256=base_sha256,
        artifacts_sha256=earlier if tags.get(admission.ALL_ARTIFACTS) == earlier else whole,
        missing=tuple(name for name in ("canary.json", "lineage.json") if not (artifacts / name).exists()),
        lineage=read_json(lineage) if lineage.exists() else {},
    )
    return admission.why_refused(tags, measured)


def _decision(report: Path, tags: Mapping[str, str]) -> str:
    """Reads the gate's decision on a version of this kind from the report."""
    gate = read_report(report).gate_of(tags.get("kind", ""))
    return gate.decision if gate else ""


def base_of(tag: str, tags: Mapping[str, str]) -> str:
    """Finds the checksum of the base with which a version would be served, in the Bento `tag`.

    A Bento that was released carries its base, so a rollback works after base.model was changed. A rule has
    no base.
    """
    if admission.is_rule(tags):
        return ""
    if admission.was_released(tags) and bento.find_whole(tag):
        return tags.get("base_sha256", "")
    if not (REPO / paths.BASE / MARKER).exists():
        raise NotFound(f"{paths.BASE} is not here, so nothing can be verified: run `make nightly` once.")
    theirs = tags.get("base_sha256", "")
    return theirs if base_with(theirs, REPO) else base_facts(REPO / paths.BASE)["sha256"]
