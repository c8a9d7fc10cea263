"""`python -m flows lineage WHAT`: from a version or a Bento back to its rows, from data to its models.

Everything comes from the tags of the registry, so it works in any clone that reaches MLflow and the remotes.
"""

from __future__ import annotations

import re

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.domain.release import LINEAGE, OVERRIDE, REFUSED, RELEASED, STEPPED_BACK
from flows.steps.registration import registry

_BENTO = re.compile(r"(?:[\w.-]+:)?(?:preview-)?v(\d+)-[0-9a-f]{8}")
_DATA = re.compile(r"[0-9a-f]{6,32}(\.dir)?")


def text(params: Params, what: str) -> str:
    """What is known of a version number, a Bento's tag, or a data version (at least 6 digits of its md5).

    Raises:
        StageFailed: Nothing of that name is known.
    """
    model, bento = params.register_.model, _BENTO.fullmatch(what)
    versions = registry().versions(model)
    wanted = bento[1] if bento else what
    if wanted in versions:
        return _backwards(model, wanted, versions[wanted])
    found = {name: tags for name, tags in versions.items() if tags.get("data_md5", "").startswith(what)}
    if _DATA.fullmatch(what) and found:
        return "\n\n".join(_backwards(model, name, tags) for name, tags in found.items())
    raise StageFailed(
        f"'{what}' is no version, Bento or data version of '{model}': "
        f"versions are {', '.join(versions) or 'none'}."
    )


def _backwards(model: str, version: str, tags: dict[str, str]) -> str:
    rows = [("version", f"{model} {version}")]
    rows += [(name, tags[name]) for name in (RELEASED, REFUSED, OVERRIDE, STEPPED_BACK) if name in tags]
    rows += [(name, tags.get(name, "missing")) for name in ("gate_reason", *LINEAGE, "night_run")]
    width = max(len(name) for name, _ in rows)
    commit = tags.get("night_commit", "")
    ways = [
        "its rows      git restore --source=" + commit + " data/events.dvc && dvc pull data/events.dvc",
        "its reports   git show " + commit + ":reports/evaluation.json   (and reports/checks.json)",
        "its code      git checkout " + tags.get("git_sha", "").removesuffix("-dirty"),
    ]
    return "\n".join([*(f"{name:{width}}  {value}" for name, value in rows), "", *ways])
