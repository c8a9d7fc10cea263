"""`python -m flows lineage WHAT`: from an answer, a version or a Bento back to rows, from data to models.

Everything comes from the tags of the registry, the branch of nights and DVC's remote: any clone that reaches
those three can say it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.domain.verdict.admission import LINEAGE, OVERRIDE, REFUSED, RELEASED, STEPPED_BACK
from components.integrations import data_versions, event_sources
from components.stages.paths import CHECKS, EVENTS
from flows.environment import REPO, STATE
from flows.steps.bento import SERVICE
from flows.steps.registration import registry

# palate:v3-1a2b3c4d is a Bento; an answer's id is its Bento and 16 digits of its own.
_BENTO = re.compile(r"(?:[\w.-]+:)?(?:preview-)?v(\d+)-([0-9a-f]{8})(?:/[0-9a-f]{16})?")
_DATA = re.compile(r"[0-9a-f]{6,32}(\.dir)?")


def text(params: Params, what: str, person: str = "") -> str:
    """What is known of an answer id, a version, a Bento's tag, or a data version (6 digits of its md5 do).

    Args:
        params: Name the registered model.
        what: The id.
        person: Adds what this person had said by then: the rows of theirs that were learnt from.

    Raises:
        StageFailed: Nothing of that name is known here.
    """
    model = params.register_.model
    versions = registry().versions(model)
    found = {name: tags for name, tags in versions.items() if _means(what, name, tags)}
    if not found:
        raise StageFailed(
            f"'{what}' is no answer, version, Bento or data version of '{model}': "
            f"versions are {', '.join(versions) or 'none'}."
        )
    pages = [_backwards(model, name, tags, _bento(what, name, tags)) for name, tags in found.items()]
    if person:
        newest = list(found.values())[-1]
        pages.append(_rows(person, newest.get("night_commit", "")))
    return "\n\n".join(pages)


def _means(what: str, version: str, tags: Mapping[str, str]) -> bool:
    bento = _BENTO.fullmatch(what)
    if bento:
        return bento[1] == version and tags.get("gate_sha256", "").startswith(bento[2])
    return what == version or (bool(_DATA.fullmatch(what)) and tags.get("data_md5", "").startswith(what))


def _bento(what: str, version: str, tags: Mapping[str, str]) -> str:
    """The Bento that was asked about, which may be a preview; else the one of a release."""
    if _BENTO.fullmatch(what):
        return what.partition("/")[0]
    return f"{SERVICE}:v{version}-{tags.get('gate_sha256', '')[:8]}"


def _backwards(model: str, version: str, tags: Mapping[str, str], bento: str) -> str:
    rows = [("version", f"{model} {version}"), ("Bento", bento)]
    rows += [("run", registry().run_of(model, version))]
    rows += [(name, tags[name]) for name in (RELEASED, REFUSED, OVERRIDE, STEPPED_BACK) if name in tags]
    rows += [(name, tags.get(name, "missing")) for name in ("gate_reason", *LINEAGE, "night_run")]
    commit = tags.get("night_commit", "")
    rows += [("checks", _checks(commit))]
    width = max(len(name) for name, _ in rows)
    ways = [
        "its rows      git restore --source=" + commit + " data/events.dvc && dvc pull data/events.dvc",
        "its reports   git show " + commit + ":reports/evaluation.json   (and reports/checks.json)",
        "its code      git checkout " + tags.get("git_sha", "").removesuffix("-dirty"),
    ]
    return "\n".join([*(f"{name:{width}}  {value}" for name, value in rows), "", *ways])


def _checks(commit: str) -> str:
    told = data_versions.file_at(REPO, commit, str(CHECKS))
    if not told:
        return "not here: `git fetch origin nights:nights`"
    report = json.loads(told)
    return f"{report['passed']} passed, {report['failed']} failed"


def _rows(person: str, commit: str) -> str:
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        data_versions.fetch(REPO, str(EVENTS), commit, Path(folder) / "events")
        tables = event_sources.read_tables(Path(folder) / "events")
    events = [row for row in tables["events"] if row["person_id"] == person]
    if not events:
        raise StageFailed(f"Nothing is known of person '{person}' in the data of night {commit[:12]}.")
    about = next((row for row in tables["people"] if row["person_id"] == person), {"person_id": person})
    told = [f"{name} {value}" for name, value in about.items() if value]
    said = [
        f"  {row['occurred_at']}  {row['kind']:8} {row['dish_id']}"
        + "".join(f"  {row[name]}" for name in ("value", "menu_id") if row.get(name) not in {None, ""})
        for row in sorted(events, key=lambda row: row["occurred_at"])
    ]
    return "\n".join([f"{', '.join(told)}: {len(said)} events", *said])
