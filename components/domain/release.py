"""May a version be served, and what keeps it from being served: decisions on tags and measured checksums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LINEAGE = (
    "candidate",
    "gate",
    "gate_sha256",
    "checks_sha256",
    "data_md5",
    "git_sha",
    "adapter_sha256",
    "base_id",
    "base_sha256",
    "prompt_hash",
    "night_commit",
)
REFUSED, OVERRIDE, RELEASED = "release_refused", "release_override", "released"  # tags of a version
STEPPED_BACK = "release_taken_back"  # likewise; a person removes it to try that version again


@dataclass(frozen=True)
class Measured:
    """What was found in a version's artifacts, and of its base here.

    Attributes:
        gate_sha256: Of the gate report's file; None where there is none.
        gate: The decision written in it.
        adapter_sha256: Of the adapter's weights.
        base_sha256: Of the base model in this clone.
        missing: Artifacts that serving needs and that are not there.
        lineage: What its artifact lineage.json says, which the service will tell of itself.
    """

    gate_sha256: str | None
    gate: str
    adapter_sha256: str
    base_sha256: str
    missing: tuple[str, ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)


def why_no_lineage(tags: Mapping[str, str]) -> str:
    """What a version lacks that every night gives it; empty where it lacks nothing."""
    missing = [name for name in LINEAGE if not tags.get(name)]
    return (
        f"its lineage is incomplete: the tag {missing[0]} is missing; register it by a night"
        if missing
        else ""
    )


def why_refused(tags: Mapping[str, str], measured: Measured) -> str:
    """The reason why a version may not be served, as a sentence; empty where it may.

    A person's reason in the tag `release_override` stands for a gate that did not pass, and for nothing else:
    no reason makes another adapter, another base or another report the right one.

    Args:
        tags: Of the version.
        measured: What its artifacts really are.
    """
    incomplete = why_no_lineage(tags)
    if incomplete:
        return incomplete
    if measured.gate_sha256 is None:
        return "it has no gate report (artifact evaluation.json); register it by a night"
    if measured.missing:
        return f"its artifact {measured.missing[0]} is missing; register it by a night"
    for what, name in (("gate report", "gate_sha256"), ("adapter", "adapter_sha256")):
        found = getattr(measured, name)
        if found != tags[name]:
            return (
                f"its {what} has checksum {found[:12]}, its tag {name} says {tags[name][:12]}: it was changed"
            )
    other = [name for name in LINEAGE if measured.lineage.get(name) != tags[name]]
    if other:
        told, said = measured.lineage.get(other[0], "nothing"), tags[other[0]]
        return f"its lineage.json says of {other[0]} {told}, its tag says {said}: it was changed"
    if measured.base_sha256 != tags["base_sha256"]:
        return (
            f"the base model here has checksum {measured.base_sha256[:12]}, the adapter was tuned on "
            f"{tags['base_sha256'][:12]}: set base.model to {tags['base_id']}"
        )
    if tags.get(STEPPED_BACK):
        return f"it was taken back before ({tags[STEPPED_BACK]}); remove its tag {STEPPED_BACK} to try again"
    if measured.gate != "pass" and not tags.get(OVERRIDE, "").strip():
        return (
            f"its gate report says {measured.gate} ({tags.get('gate_reason', 'no reason given')}); "
            f"to serve it all the same, set the tag {OVERRIDE} on the version with your reason"
        )
    return ""


def excuse(tags: Mapping[str, str]) -> str:
    """A person's reason to serve a version whose gate did not pass; empty where none was needed or given."""
    return "" if tags.get("gate") == "pass" else tags.get(OVERRIDE, "").strip()


@dataclass(frozen=True)
class Served:
    """What a running service tells of itself.

    Attributes:
        version: That it serves.
        canary: Why its canary failed; empty where it passed.
        requests: Answers since it started.
        errors: Of these, those with a status of 500 or more.
    """

    version: str
    canary: str
    requests: int
    errors: int


def why_step_back(served: Served, most_errors: float, least_requests: int) -> str:
    """The reason why a newly served version must give way to the one before; empty where it may stay.

    Args:
        served: What the service tells.
        most_errors: Share of its answers that may be errors.
        least_requests: Answers before the share says anything.
    """
    if served.canary:
        return f"its canary failed: {served.canary}"
    share = served.errors / served.requests if served.requests >= max(least_requests, 1) else 0.0
    if share > most_errors:
        told = f"{served.errors} of its {served.requests} answers were errors"
        return f"{told} ({share:.1%}, allowed are {most_errors:.1%})"
    return ""
