"""Admission to release: whether a version may be served, decided on its tags and measured checksums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.domain.records import RULE

_OF_BOTH = (
    "candidate",
    "gate",
    "gate_sha256",
    "checks_sha256",
    "data_md5",
    "git_sha",
    "night_commit",
)
LINEAGE = (*_OF_BOTH, "adapter_sha256", "base_id", "base_sha256", "prompt_hash")
RULE_LINEAGE = ("kind", *_OF_BOTH, "rule_sha256")
ALL_ARTIFACTS = "artifacts_sha256"  # tag: one checksum over all files that a version consists of
REFUSED, OVERRIDE, RELEASED = "release_refused", "release_override", "released"  # tags of a version
RENDERED = "rendered"  # likewise: its manifests were written; it is `released` once it serves
RELEASE_BY = "release_by"  # likewise: who decided; a person sets it, since MLflow records nobody
CHAMPION_SEEN = "champion_seen_at"  # likewise: when a pass first saw the alias on it, ISO 8601
STEPPED_BACK = "release_taken_back"  # likewise; a person removes it to try that version again
NEEDS_RETRAIN = "needs_retrain"  # likewise: why it may not be promoted any more, whoever decides
MODEL_REMOVED = (
    "model_removed"  # likewise: since when it is a row without artifacts, and which param let them go
)


@dataclass(frozen=True)
class Measured:
    """Checksums and contents read from a version's artifacts and from the base model of this clone.

    Attributes:
        gate_sha256: SHA-256 of the gate report's file; None where the version has no gate report.
        gate: Decision in the gate report.
        model_sha256: SHA-256 of the adapter's weights, or of the rule's files.
        base_sha256: SHA-256 of the base model in this clone; a rule needs none.
        artifacts_sha256: SHA-256 over the paths and bytes of all files that MLflow stored for the version,
            its code included.
        missing: Names of the artifacts that serving needs and that the version lacks.
        lineage: Content of the artifact lineage.json, which the service repeats in its answers.
    """

    gate_sha256: str | None
    gate: str
    model_sha256: str
    base_sha256: str
    artifacts_sha256: str
    missing: tuple[str, ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)


def is_rule(tags: Mapping[str, str]) -> bool:
    """Tells whether a version is a rule; its tags then are those of RULE_LINEAGE, else those of LINEAGE."""
    return tags.get("kind") == RULE


def lineage_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Lists the tags that a version of this kind must have."""
    return RULE_LINEAGE if is_rule(tags) else LINEAGE


def why_no_lineage(tags: Mapping[str, str]) -> str | None:
    """Says in a sentence which lineage tag a version lacks (the first one); None if it has all of them."""
    missing = [name for name in lineage_of(tags) if not tags.get(name)]
    if not missing:
        return None
    return f"its lineage is incomplete: the tag {missing[0]} is missing; register it by a night"


def why_gone(tags: Mapping[str, str]) -> str | None:
    """Says in a sentence that a version's model was removed, and what to do; None if it is still there."""
    if not tags.get(MODEL_REMOVED):
        return None
    return (
        f"its model was removed ({tags[MODEL_REMOVED]}): promote a later version, or look at its night by "
        "`make restore`"
    )


def why_refused(tags: Mapping[str, str], measured: Measured) -> str | None:
    """Explains in a sentence why a version may not be served; None if it may.

    A person's reason in the tag `release_override` replaces a passed gate, and nothing else. It cannot excuse
    a changed adapter, another base model or a changed gate report.

    Args:
        measured: Contents of its artifacts.
    """
    return (
        why_no_lineage(tags)
        or _why_incomplete(measured)
        or _why_changed(tags, measured)
        or _why_not_admitted(tags, measured)
    )


def _why_incomplete(measured: Measured) -> str | None:
    if measured.gate_sha256 is None:
        return "it has no gate report (artifact evaluation.json); register it by a night"
    if measured.missing:
        return f"its artifact {measured.missing[0]} is missing; register it by a night"
    return None


def _why_changed(tags: Mapping[str, str], measured: Measured) -> str | None:
    model = "rule" if is_rule(tags) else "adapter"
    checksums = {"gate report": measured.gate_sha256, model: measured.model_sha256}
    for artifact, actual in checksums.items():
        name = "gate_sha256" if artifact == "gate report" else f"{model}_sha256"
        if actual != tags[name]:
            return (
                f"its {artifact} has checksum {str(actual)[:12]}, its tag {name} says {tags[name][:12]}: "
                "it was changed"
            )
    for name in lineage_of(tags):
        if measured.lineage.get(name) != tags[name]:
            in_file = measured.lineage.get(name, "nothing")
            return f"its lineage.json says of {name} {in_file}, its tag says {tags[name]}: it was changed"
    return _why_other_artifacts(tags, measured.artifacts_sha256)


def _why_other_artifacts(tags: Mapping[str, str], actual: str) -> str | None:
    """Compares one checksum of all files with its tag; settings, canary and code have no tags of their own.

    Returns:
        What is wrong, as a sentence; None if the checksum is as registered.
    """
    registered = tags.get(ALL_ARTIFACTS, "")
    if not registered:
        return (
            f"it has no tag {ALL_ARTIFACTS}, as versions from before 0.3.0: register it anew by a night, or, "
            f"if you trust what is stored now, set the tag to {actual}"
        )
    if actual != registered:
        return (
            f"its artifacts have checksum {actual[:12]}, its tag {ALL_ARTIFACTS} says {registered[:12]}: "
            "one was changed, added or removed"
        )
    return None


def _why_not_admitted(tags: Mapping[str, str], measured: Measured) -> str | None:
    if not is_rule(tags) and measured.base_sha256 != tags["base_sha256"]:
        return (
            f"the base model here has checksum {measured.base_sha256[:12]}, the adapter was tuned on "
            f"{tags['base_sha256'][:12]}: set base.model to {tags['base_id']}"
        )
    if tags.get(NEEDS_RETRAIN):
        return f"{tags[NEEDS_RETRAIN]} ({NEEDS_RETRAIN}): promote one that a later night trained"
    if tags.get(STEPPED_BACK):
        return f"it was taken back before ({tags[STEPPED_BACK]}); remove its tag {STEPPED_BACK} to try again"
    if measured.gate != "pass" and not tags.get(OVERRIDE, "").strip():
        return (
            f"its gate report says {measured.gate} ({tags.get('gate_reason', 'no reason given')}); "
            f"to serve it all the same, set the tag {OVERRIDE} on the version with your reason, and "
            f"{RELEASE_BY} with your name"
        )
    if override_reason(tags) and not tags.get(RELEASE_BY, "").strip():
        return f"its tag {OVERRIDE} has a reason and no name: set the tag {RELEASE_BY} to who decided"
    return None


def was_released(tags: Mapping[str, str]) -> bool:
    """Tells whether the version was released before, so that its Bento is known to work."""
    return bool(tags.get(RELEASED) or tags.get(RENDERED))


def override_reason(tags: Mapping[str, str]) -> str | None:
    """Reads a person's reason to serve a version whose gate did not pass.

    Returns:
        The reason; None where the gate passed, or where nobody stated one.
    """
    return None if tags.get("gate") == "pass" else tags.get(OVERRIDE, "").strip() or None


def decision(tags: Mapping[str, str]) -> str:
    """Describes in a few words who chose the version, since when and why, as far as its tags say."""
    who, reason = tags.get(RELEASE_BY, "").strip() or "nobody who said so", override_reason(tags)
    since = f", champion since {tags[CHAMPION_SEEN]}" if tags.get(CHAMPION_SEEN) else ""
    return f"decided by {who}{since}" + (f", although its gate did not pass: {reason}" if reason else "")
