"""`make forget PERSON=…`: takes a person out of the data, and says what holds them still."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow.compute as pc

from components.domain.errors import BadParams
from components.domain.params import Params
from components.domain.preferences.contract import as_id
from components.domain.preferences.refused_text import is_named
from components.domain.verdict.admission import MODEL_REMOVED, NEEDS_RETRAIN
from components.files import write_state
from components.integrations import data_versions, event_sources, quarantine
from components.integrations.model_registry.registry import failures_as_sentences
from components.stages import paths
from flows.environment import REPO, STATE
from flows.steps import accepted_data, data, feedback, recall, registration
from flows.steps.bento import tag_of
from flows.steps.lock import one_at_a_time

RECEIPTS = STATE / "receipts"
DERIVED = (
    paths.SPLITS, paths.DIETS, paths.CHECKS, paths.REPORTS / "checks.html", paths.DATA_DOCS, paths.START,
    Path(f"{paths.START}.dvc"), Path("dvc.lock"),
)  # fmt: skip
NAMING = ("checks.json", "checks.html", "data_docs")  # a night's artifacts that may name people


@dataclass(frozen=True)
class Trace:
    """What held a person or was trained on them.

    Attributes:
        data: Versions of events and of the quarantine, as DVC's md5, with the night's commits of each.
        unread: Versions that are not in the cache here, so nobody can say.
        models: Versions of the registered model that were trained on such data, with their tags.
    """

    data: dict[str, list[str]]
    unread: list[str]
    models: dict[str, dict[str, str]]


def forget(params: Params, person: str, *, history: bool) -> str:
    """Removes a person's rows, makes a new data version, and leaves a receipt.

    Args:
        params: Settings.
        person: Id of the person.
        history: Whether older versions of the data go, too, and models trained on them are barred.

    Returns:
        The receipt as text, without the person's id.

    Raises:
        BadParams: No id is given.
        StageFailed: A night or release is running, or DVC or git failed.
    """
    if not as_id(person):
        raise BadParams("No person is named: say whom to forget, as in `make forget PERSON=p17`.")
    with one_at_a_time(STATE, "night"):
        return forget_within_night(params, person, history=history)


def forget_within_night(params: Params, person: str, *, history: bool) -> str:
    """What `forget` does for the holder of the night's lock.

    Args:
        params: Settings.
        person: Id of the person.
        history: As for `forget`.

    Returns:
        The receipt as text, without the person's id.

    Raises:
        StageFailed: A release is running, or DVC or git failed.
    """
    with one_at_a_time(STATE, "release"), failures_as_sentences():
        trace = _trace(params, as_id(person))
        removed = _remove(as_id(person))
        if (REPO / paths.EVENTS).exists():
            before = data_versions.pointer_md5(data.POINTER) if data.POINTER.exists() else ""
            accepted_data.rename(before, data_versions.add(REPO, *data.DATA)[str(paths.EVENTS)])
            data_versions.commit_night(REPO, data.COMMITTED, "Forget one person")
            data_versions.push(REPO, data.DATA)
        _mark(params, trace, history=history)
        copies = data_versions.copies_of_nights(REPO) if history else []
        if history:
            data_versions.forget_history(REPO, data.COMMITTED, "Forget one person, and all nights before")
        return "\n".join([_receipt(removed, trace, history=history), *map(_still_pushed, copies)])


def _still_pushed(copy: str) -> str:
    """What is left to do where the branch `nights` was pushed, as refs/remotes/origin/nights says."""
    remote = copy.split("/")[2]
    return f"{remote} has the nights before on its branch nights: `git push --force {remote} nights`"


def _remove(person: str) -> dict[str, int]:
    """Takes the person out of what is current; returns numbers of rows.

    The hash comes first: if killed after it, nothing of theirs is taken in again, and another call goes on.
    """
    write_state(data.FORGOTTEN, data.read_forgotten().with_person(person).to_json())
    events = REPO / paths.EVENTS
    tables, rows = event_sources.read_tables(events), event_sources.read_events(events)
    others = rows.filter(pc.not_equal(rows["person_id"], person))
    people = [row for row in tables["people"] if row["person_id"] != person]
    removed = {"events": len(rows) - len(others), "people": len(tables["people"]) - len(people)}
    if any(removed.values()):
        # First: if killed after it, later checks are only more tolerant.
        accepted_data.lower_volumes(len(event_sources.of_inbox(rows)) - len(event_sources.of_inbox(others)))
        event_sources.write_tables(events, {**tables, "people": people}, others)
    removed["quarantined"] = quarantine.remove(REPO / paths.QUARANTINE, partial(is_named, person))
    removed["rows of the service"] = feedback.forget(person)
    removed["listed in recalls"] = recall.forget(person)
    for path in DERIVED:
        if (REPO / path).is_dir():
            shutil.rmtree(REPO / path)
        (REPO / path).unlink(missing_ok=True)
    return removed


def _trace(params: Params, person: str) -> Trace:
    holding, unread = dict[str, list[str]](), list[str]()
    looks: Mapping[Path, tuple[str | tuple[str, ...], Callable[[list[Path]], bool]]] = {
        paths.EVENTS: (("events", "people"), lambda files: person in event_sources.people_of(files)),
        paths.QUARANTINE: ("", lambda files: quarantine.holds(files, partial(is_named, person))),
    }
    for folder, (prefix, is_theirs) in looks.items():
        for md5, commits in data_versions.versions_of(REPO, str(folder)).items():
            files = data_versions.cached(REPO, md5, prefix)
            if files is None:
                unread.append(md5)
            elif is_theirs(files):
                holding[md5] = commits
    versions = registration.registry().versions(params.register_.model)
    models = {
        version: tags for version, tags in versions.items() if tags.get("data_md5") in {*holding, *unread}
    }
    return Trace(holding, unread, models)


def _mark(params: Params, trace: Trace, *, history: bool) -> None:
    """Removes what may name people from the nights' runs; with `history` no such model may be promoted."""
    server, runs = registration.registry(), registration.runs()
    for version, tags in trace.models.items():
        if tags.get("night_run"):
            runs.remove_artifacts(tags["night_run"], NAMING)
        if history:
            server.tag(params.register_.model, version, NEEDS_RETRAIN, "a person in its data was forgotten")


def _receipt(removed: dict[str, int], trace: Trace, *, history: bool) -> str:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    values = {
        "at": at,
        "removed": removed,
        "history": history,
        "data_versions": trace.data,
        "not_read": trace.unread,
        "model_versions": sorted(trace.models, key=int),
    }
    RECEIPTS.mkdir(parents=True, exist_ok=True)
    write_state(RECEIPTS / f"forgotten-{at.replace(':', '')}.json", values)
    rows = ", ".join(f"{count:,} {name}" for name, count in removed.items())
    gone = "removed, also from the remote" if history else "still there; HISTORY=1 removes them"
    lines = [f"forgotten: {rows}; rows that come again are dropped"]
    for md5, commits in trace.data.items():
        lines.append(f"data version {md5}, nights {', '.join(each[:12] for each in commits)}: {gone}")
    lines += [f"data version {md5}: not in the cache here, so it was not looked into" for md5 in trace.unread]
    for version, tags in trace.models.items():
        state = "may not be promoted any more" if history else "was trained on them"
        bento = tag_of(version, tags, preview=False)
        if tags.get(MODEL_REMOVED):
            state += "; MLflow has no model of it any more"
        lines.append(f"model version {version} ({tags.get('candidate')}, Bento {bento}): {state}")
    lines.append("Theirs too, and not Palate's to change: your inbox, pushed images and back-ups.")
    return "\n".join(lines)
