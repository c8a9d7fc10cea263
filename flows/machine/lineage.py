"""`python -m flows lineage WHAT`: from an answer, a version or a Bento back to rows, from data to models.

It reads the registry's tags, the branch `nights` and DVC's remote, so it works in any clone that has these.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow.compute as pc

from components.domain.errors import NotFound
from components.domain.exposures import PLAN
from components.domain.params import Params
from components.domain.verdict.admission import (
    MODEL_REMOVED,
    OVERRIDE,
    REFUSED,
    RELEASED,
    RENDERED,
    STEPPED_BACK,
    lineage_of,
)
from components.integrations import data_versions, event_sources
from components.stages.paths import CHECKS, EVENTS
from flows.environment import REPO, STATE
from flows.registry import registry
from flows.release.bento import tag_of

# A Bento's tag is palate:v3-1a2b3c4d, in a trial with -beside-v2-0.1 behind it; an answer's id is that tag, a
# slash and 16 hexadecimal digits, before which that of a plan says so.
_BENTO = re.compile(
    r"(?:[\w.-]+:)?(?:preview-|best-)?v(\d+)-([0-9a-f]{8})(?:-beside-v\d+-[\d.]+)?"
    rf"(?:/(?:{PLAN})?[0-9a-f]{{16}})?"
)
_DATA = re.compile(r"[0-9a-f]{6,32}(\.dir)?")


def text(params: Params, identifier: str, person: str = "") -> str:
    """Describes the lineage of every version that an identifier belongs to.

    Args:
        identifier: An answer's id, a version, a Bento's tag, or at least 6 digits of a data version's md5.
        person: Id of a person whose rows in the newest of these versions' data are shown; empty for none.

    Raises:
        NotFound: The identifier belongs to no version, or the person to no row.
    """
    model = params.register_.model
    versions = registry().versions(model)
    matches = {version: tags for version, tags in versions.items() if _belongs(identifier, version, tags)}
    if not matches:
        raise NotFound(
            f"'{identifier}' is no answer, version, Bento or data version of '{model}': "
            f"versions are {', '.join(versions) or 'none'}."
        )
    sections = [
        _lineage(model, version, tags, _bento(identifier, version, tags)) for version, tags in matches.items()
    ]
    if person:
        newest = list(matches.values())[-1]
        sections.append(_rows(person, newest.get("night_commit", "")))
    return "\n\n".join(sections)


def _belongs(identifier: str, version: str, tags: Mapping[str, str]) -> bool:
    bento = _BENTO.fullmatch(identifier)
    if bento:
        return bento[1] == version and tags.get("gate_sha256", "").startswith(bento[2])
    is_data = bool(_DATA.fullmatch(identifier)) and tags.get("data_md5", "").startswith(identifier)
    return identifier == version or is_data


def _bento(identifier: str, version: str, tags: Mapping[str, str]) -> str:
    """Takes the Bento's tag from the identifier if it is one; otherwise builds the tag of a release."""
    if _BENTO.fullmatch(identifier):
        return identifier.partition("/")[0]
    return tag_of(version, tags, promoted=True)


def _lineage(model: str, version: str, tags: Mapping[str, str], bento: str) -> str:
    facts = [("version", f"{model} {version}"), ("Bento", bento)]
    facts += [("run", registry().run_of(model, version))]
    facts += [
        (name, tags[name])
        for name in (MODEL_REMOVED, RENDERED, RELEASED, REFUSED, OVERRIDE, STEPPED_BACK)
        if name in tags
    ]
    facts += [(name, tags.get(name, "missing")) for name in ("gate_reason", *lineage_of(tags), "night_run")]
    commit = tags.get("night_commit", "")
    facts += [("checks", _checks(commit))]
    width = max(len(name) for name, _ in facts)
    commands = [
        "its rows      git restore --source="
        + commit
        + " data/events.dvc && .venv/bin/dvc pull data/events.dvc",
        "its reports   git show " + commit + ":reports/evaluation.json   (and reports/checks.json)",
        "its code      git checkout " + tags.get("git_sha", "").removesuffix("-dirty"),
    ]
    return "\n".join([*(f"{name:{width}}  {value}" for name, value in facts), "", *commands])


def _checks(commit: str) -> str:
    content = data_versions.file_at(REPO, commit, str(CHECKS))
    if not content:
        return "not here: `git fetch origin nights:nights`"
    report = json.loads(content)
    return f"{report['passed']} passed, {report['failed']} failed"


def _rows(person: str, commit: str) -> str:
    """Fetches the data of a night and lists a person's profile and events, oldest event first."""
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        data_versions.fetch(REPO, str(EVENTS), commit, Path(folder) / "events")
        tables = event_sources.read_tables(Path(folder) / "events")
        all_events = event_sources.read_events(Path(folder) / "events")
    events = all_events.filter(pc.equal(all_events["person_id"], person)).to_pylist()
    if not events:
        raise NotFound(f"Nothing is known of person '{person}' in the data of night {commit[:12]}.")
    people = [row for row in tables["people"] if row["person_id"] == person] or [{"person_id": person}]
    profile = ", ".join(f"{name} {value}" for name, value in people[0].items() if value)
    lines = [
        f"  {row['occurred_at']}  {row['kind']:8} {row['dish_id']}"
        + "".join(f"  {row[name]}" for name in ("value", "menu_id") if row.get(name) not in {None, ""})
        for row in sorted(events, key=lambda row: row["occurred_at"])
    ]
    return "\n".join([f"{profile}: {len(lines)} events", *lines])
