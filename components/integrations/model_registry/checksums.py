"""One tag for all checksums and ids of a version or run, so that they do not fill MLflow's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping

GROUP = "checksums"  # name of the tag
GROUPED = (
    "adapter_sha256",
    "artifacts_sha256",
    "base_sha256",
    "checks_sha256",
    "git_sha",
    "night_commit",
    "night_run",
    "prompt_hash",
    "requirements_sha256",
    "rule_sha256",
)


def grouped(tags: Mapping[str, str]) -> dict[str, str]:
    """Moves the tags named in GROUPED into the tag GROUP, as JSON."""
    some = {name: tags[name] for name in GROUPED if name in tags}
    return {name: value for name, value in tags.items() if name not in some} | {GROUP: json.dumps(some)}


def ungrouped(tags: Mapping[str, str]) -> dict[str, str]:
    """Reverses `grouped`; a tag that stands by itself has the last word, as in earlier versions.

    A tag GROUP that a person broke counts as empty: then the version's lineage is incomplete.
    """
    try:
        some = {str(name): str(value) for name, value in json.loads(tags.get(GROUP, "{}")).items()}
    except (ValueError, AttributeError):
        some = {}
    return some | {name: value for name, value in tags.items() if name != GROUP}
