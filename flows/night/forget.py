"""`make forget PERSON=…` and erasures over HTTP: takes people out of the data, and lists what holds them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import BadParams, PalateError, StageFailed
from components.domain.params import Params
from components.domain.preferences.contract import as_id
from components.domain.preferences.refused_text import is_named
from components.domain.verdict.admission import MODEL_REMOVED, NEEDS_RETRAIN
from components.files import write_state
from components.integrations import data_versions, event_sources, quarantine
from components.integrations.model_registry.registry import failures_as_sentences
from components.integrations.service_store import People
from components.stages import paths
from flows.alarms import raise_alarm
from flows.environment import REPO, STATE
from flows.lock import one_at_a_time
from flows.night import accepted_data, data, feedback, recall
from flows.registry import registry, runs
from flows.release.bento import tag_of

RECEIPTS = STATE / "receipts"
DERIVED = (
    paths.SPLITS, paths.DIETS, paths.CHECKS, paths.REPORTS / "checks.html", paths.DATA_DOCS, paths.START,
    Path(f"{paths.START}.dvc"), Path("dvc.lock"),
)  # fmt: skip
IN_DATA = ("events", "people", "quarantined")  # of what a receipt counts, those under DVC
NAMING = ("checks.json", "checks.html", "data_docs")  # a night's artifacts that may name people


@dataclass(frozen=True)
class Trace:
    """The versions of data that held the people, and the models that were trained on them.

    Attributes:
        data: By DVC's md5 of a version of events or quarantine, the commits of the nights that used it.
        unread: Versions that are not in the cache here, so they could not be searched.
        models: Versions of the registered model that were trained on any of these data, with their tags.
    """

    data: dict[str, list[str]]
    unread: list[str]
    models: dict[str, dict[str, str]]


def forget(params: Params, person: str, *, history: bool) -> str:
    """Removes a person's rows, makes a new data version, and leaves a receipt.

    Args:
        history: Whether to remove older versions of the data, too, and to bar models trained on them.

    Returns:
        The receipt as text, without the person's id.

    Raises:
        BadParams: No id is given.
        StageFailed: A night or release is running, or DVC or git failed.
    """
    if not as_id(person):
        raise BadParams("No person is named: say whom to forget, as in `make forget PERSON=p17`.")
    with one_at_a_time(STATE, "night"):
        return _forget_together(params, [person], history=history)


def erase_queued(params: Params) -> str:
    """Forgets everybody whose erasure waits in the service's store, in one go; if it fails, all stay queued.

    Returns:
        A sentence on what was done or what failed; empty where nobody waits.
    """
    try:
        return _erase(params)
    except PalateError as error:
        raise_alarm("erasure failed", str(error))
        return str(error)


# Retries, since a release pass may run just now.
@task(name="erase", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=10)
def _erase(params: Params) -> str:
    if feedback.service_store() is None:
        return ""
    people = People(os.environ["PALATE_STORE"])
    queued = people.queued()
    if not queued:
        return ""
    try:
        _forget_together(params, queued, history=False)
        people.mark_done(*queued)
    except PalateError as error:
        raise StageFailed(
            f"All {len(queued)} queued erasures failed and stay queued for the next night: {error}"
        ) from error
    return f"{len(queued)} queued erasures done; the receipt lies in {RECEIPTS}"


def _forget_together(params: Params, people: Iterable[str], *, history: bool) -> str:
    """Forgets people with one data version, one commit and one push, for a caller with the night's lock.

    If the data hold none of these people, no derived file is removed. Returns the receipt without any id.
    """
    with one_at_a_time(STATE, "release"), failures_as_sentences():
        ids = frozenset(map(as_id, people))
        trace = _trace(params, ids)
        is_committed = not _current_versions().isdisjoint(trace.data)
        removed = _remove(ids, is_committed=is_committed)
        if is_committed or any(removed[name] for name in IN_DATA):
            before = data_versions.pointer_md5(data.POINTER) if data.POINTER.exists() else ""
            accepted_data.rename(before, data_versions.add(REPO, *data.DATA)[str(paths.EVENTS)])
            data_versions.commit_night(REPO, data.COMMITTED, f"Forget people: {len(ids)}")
            data_versions.push(REPO, data.DATA)
        _mark(params, trace, history=history)
        copies = data_versions.copies_of_nights(REPO) if history else []
        if history:
            data_versions.forget_history(REPO, data.COMMITTED, "Forget people, and all nights before")
        return "\n".join([_receipt(removed, trace, history=history), *map(_still_pushed, copies)])


def _still_pushed(copy: str) -> str:
    """Writes the command that overwrites the branch `nights` of a remote to which it was pushed."""
    remote = copy.split("/")[2]
    return f"{remote} has the nights before on its branch nights: `git push --force {remote} nights`"


def _current_versions() -> set[str]:
    """Reads the hashes in DVC's pointers; after a killed call these are still the hashes from before it."""
    pointers = [REPO / f"{folder}.dvc" for folder in data.DATA]
    return {data_versions.pointer_md5(pointer) for pointer in pointers if pointer.exists()}


def _remove(people: frozenset[str], *, is_committed: bool) -> dict[str, int]:
    """Takes people out of the current data, the store and the recalls; returns numbers of removed rows.

    The hashes of the ids are written first, so that after a kill none of the people's rows is taken in again.
    What is derived from their rows goes before the rows, so that a second call continues the work.

    Args:
        people: Ids as the contract reads them.
        is_committed: Whether the version that was committed last holds rows of these people.
    """
    write_state(data.FORGOTTEN, data.read_forgotten().with_people(*people).to_json())
    events, refused = REPO / paths.EVENTS, REPO / paths.QUARANTINE
    tables, rows = event_sources.read_tables(events), event_sources.read_events(events)
    ids = rows["person_id"]
    others = rows.filter(pc.invert(pc.is_in(ids, pa.array(sorted(people), ids.type))))
    profiles = [row for row in tables["people"] if row["person_id"] not in people]
    removed = {"events": len(rows) - len(others), "people": len(tables["people"]) - len(profiles)}
    concerns = partial(is_named, people)
    if is_committed or any(removed.values()) or quarantine.holds(refused.glob("*.jsonl"), concerns):
        _remove_derived()
    if any(removed.values()):
        # First: if killed after it, later checks are only more tolerant.
        accepted_data.lower_volumes(len(event_sources.of_inbox(rows)) - len(event_sources.of_inbox(others)))
        event_sources.write_tables(events, {**tables, "people": profiles}, others)
    removed["quarantined"] = quarantine.remove(refused, concerns)
    removed["rows of the service"] = feedback.forget(*people)
    removed["listed in recalls"] = recall.forget(*people)
    return removed


def _remove_derived() -> None:
    for path in DERIVED:
        if (REPO / path).is_dir():
            shutil.rmtree(REPO / path)
        (REPO / path).unlink(missing_ok=True)


def _trace(params: Params, people: frozenset[str]) -> Trace:
    holding, unread = dict[str, list[str]](), list[str]()
    looks: Mapping[Path, tuple[str | tuple[str, ...], Callable[[list[Path]], bool]]] = {
        paths.EVENTS: (
            ("events", "people"),
            lambda files: not people.isdisjoint(event_sources.people_of(files)),
        ),
        paths.QUARANTINE: ("", lambda files: quarantine.holds(files, partial(is_named, people))),
    }
    for folder, (prefix, is_theirs) in looks.items():
        for md5, commits in data_versions.versions_of(REPO, str(folder)).items():
            files = data_versions.cached(REPO, md5, prefix)
            if files is None:
                unread.append(md5)
            elif is_theirs(files):
                holding[md5] = commits
    versions = registry().versions(params.register_.model)
    models = {
        version: tags for version, tags in versions.items() if tags.get("data_md5") in {*holding, *unread}
    }
    return Trace(holding, unread, models)


def _mark(params: Params, trace: Trace, *, history: bool) -> None:
    """Removes artifacts that may name people from the nights' runs.

    With `history` it also bars the models that were trained on these people's rows.
    """
    server, tracking = registry(), runs()
    for version, tags in trace.models.items():
        if tags.get("night_run"):
            tracking.remove_artifacts(tags["night_run"], NAMING)
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
        bento = tag_of(version, tags, promoted=True)
        if tags.get(MODEL_REMOVED):
            state += "; MLflow has no model of it any more"
        lines.append(f"model version {version} ({tags.get('candidate')}, Bento {bento}): {state}")
    lines.append("Theirs too, and not Palate's to change: your inbox, pushed images and back-ups.")
    return "\n".join(lines)
