"""Tasks on the data: collect the inbox, version it, record that its checks passed, commit and push it."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.params import Params
from components.domain.preferences.events import Counts, by_reason
from components.domain.preferences.forgotten import Forgotten
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinions import Scale, like_share
from components.domain.records import NightFacts
from components.files import read_as, write_state
from components.integrations import data_versions, event_sources, quarantine
from components.integrations.sources import source_of
from components.integrations.sources.intake import take_in
from components.stages import paths
from components.stages.reports import read_report
from flows.environment import REPO, STATE, check_folders, limit_waits
from flows.keys import keys
from flows.night import accepted_data
from flows.night.accepted_data import Accepted
from flows.night.feedback import warn_of, with_feedback
from flows.night.tonight import Night, facts_of_last_night, key_of, now_of

logger = logging.getLogger(__name__)
FORGOTTEN = REPO / "data" / "forgotten.json"
FOLDER = REPO / paths.EVENTS
POINTER = REPO / f"{paths.EVENTS}.dvc"
_SETTINGS = "settings"  # beside the watermarks: a hash of the settings that they were made with
DATA = (str(paths.EVENTS), str(paths.QUARANTINE))
INPUTS = tuple(
    str(folder) for folder in (paths.BASE, paths.BASES, paths.CHAMPION, paths.START)
)  # of trainings, beside the data
_REPORTS = (
    "canary.json", "checks.json", "evaluation.csv", "evaluation.json", "ledger.json", "metrics.json",
    "rule-canary.json", "training",
)  # fmt: skip
COMMITTED = (
    *(f"{folder}.dvc" for folder in (*DATA, *INPUTS)),
    *(f"data/{name}.json" for name in ("forgotten", "ledger", "night")),
    "dvc.lock",
    "params.yaml",
    *(f"reports/{name}" for name in _REPORTS),
)


@dataclass(frozen=True)
class ForgottenPeople:
    """The form of data/forgotten.json."""

    key_check: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class Collection:
    """How many of the inbox's rows were accepted or refused, and why.

    Attributes:
        inbox: The setting `collect.inbox`.
        counts: Numbers of accepted, duplicate and quarantined rows, by table.
        events: Number of all accepted events of the inbox, earlier nights' included.
        newest: Time of the newest of these events, ISO 8601; empty without events.
        like_share: Share of likes among likes, dislikes and ratings; None without any.
        feedback: Numbers of accepted, duplicate and quarantined rows of new feedback of the service.
        feedback_events: Number of all accepted events from feedback.
        waiting: Two numbers of rows of feedback: on unknown dishes, and beyond what one night takes in.
        quarantined: Why rows were quarantined, without their content; the most frequent reason first.
    """

    inbox: str
    counts: dict[str, Counts]
    events: int
    newest: str
    like_share: float | None
    feedback: Counts
    feedback_events: int
    waiting: tuple[int, int]
    quarantined: tuple[str, ...]

    @property
    def rows_seen(self) -> int:
        """Number of the inbox's rows, of all tables."""
        return sum(counts.rows_in for counts in self.counts.values())

    @property
    def rows_quarantined(self) -> int:
        """Number of the inbox's rows that were quarantined."""
        return sum(counts.quarantined for counts in self.counts.values())


def look_at_repository() -> None:
    """Checks before the night takes hours that its data can be written, versioned and committed."""
    check_folders()
    limit_waits()
    data_versions.ensure_repository(REPO, STATE)


@task(cache_policy=NO_CACHE)
def collect(params: Params) -> Collection:
    """Takes the inbox's rows and the service's feedback into data/events and data/quarantine.

    The inbox is never changed, so a second collection of the same rows finds only duplicates.
    """
    now, settings = now_of(), _settings_md5(params)
    stored, earlier = event_sources.read_tables(FOLDER), event_sources.read_events(FOLDER)
    reading = source_of(params.collect, REPO).read(_since(settings), has_earlier=len(earlier) > 0)
    limits = limits_of(params, now, read_forgotten())
    inbox = take_in(reading.tables, stored, earlier, limits)
    both, news = with_feedback(inbox, limits, has_people="people" in reading.tables)
    warn_of(news)
    feedback = both.collected.counts["events"] if both is not inbox else Counts()
    for counts in (*inbox.collected.counts.values(), feedback):
        parts = counts.accepted, counts.duplicates, counts.quarantined, counts.forgotten
        assert counts.rows_in == sum(parts), counts
    for dish in inbox.collected.former:
        logger.warning("a dish id names another dish now: what was before goes on as '%s'", dish)
    quarantine.add(REPO / paths.QUARANTINE, inbox.collected.quarantined)
    quarantine.add(REPO / paths.QUARANTINE, both.collected.quarantined)
    if inbox.collected.former:
        event_sources.write_tables(FOLDER, *inbox.before)
    event_sources.write_tables(FOLDER, both.collected.tables, both.events)
    if reading.watermarks:
        event_sources.write_watermarks(FOLDER, {**reading.watermarks, _SETTINGS: settings})
    events = event_sources.of_inbox(both.events)
    newest = pc.max(events["occurred_at"]).as_py()
    return Collection(
        params.collect.inbox,
        inbox.collected.counts,
        len(events),
        newest.isoformat() if newest else "",
        like_share(event_sources.event_columns(events), Scale.of(params.collect)),
        feedback,
        len(both.events) - len(events),
        (news.aside, news.waiting),
        tuple(
            f"{len(rows):,} of {rows[0].table}, the first in {rows[0].file} at row {rows[0].line}: {reason}"
            for reason, rows in by_reason(inbox.collected.quarantined)
        ),
    )


def _since(settings: str) -> dict[str, str]:
    """Reads the watermarks from which each table is read on; empty means that all rows are read again.

    All rows are read again if earlier refused rows may be good now: the night that read them failed its
    checks, or the settings have changed since.
    """
    watermarks = event_sources.read_watermarks(FOLDER)
    is_accepted = POINTER.exists() and accepted_data.is_accepted(data_versions.pointer_md5(POINTER))
    return watermarks if is_accepted and watermarks.get(_SETTINGS) == settings else {}


def _settings_md5(params: Params) -> str:
    """Hashes the settings that say where rows come from and which of them are good."""
    settings = params.collect.model_dump(mode="json"), params.check.value_range
    return hashlib.md5(json.dumps(settings, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def read_forgotten() -> Forgotten:
    """Reads the keyed hashes of the people whose rows are not taken in again."""
    key = keys(STATE)["people"]
    if not FORGOTTEN.exists():
        return Forgotten(key)
    return Forgotten.from_json(asdict(read_as(ForgottenPeople, FORGOTTEN)), key)


@task(cache_policy=NO_CACHE)
def version(params: Params, collection: Collection) -> Night:
    """Hashes the data with DVC; if they changed, writes data/night.json, the facts that the checks need."""
    pointer_md5 = data_versions.pointer_md5(POINTER) if POINTER.exists() else ""
    hashes = data_versions.add(REPO, *DATA)
    data_md5, quarantine_md5 = hashes[str(paths.EVENTS)], hashes[str(paths.QUARANTINE)]
    facts = facts_of_last_night()
    if facts is None or (facts.data_md5, facts.quarantine_md5) != (data_md5, quarantine_md5):
        facts = _new_facts(collection, data_md5, quarantine_md5, pointer_md5)
    elif not accepted_data.is_accepted(data_md5):  # an inbox that was mended may have fewer bad rows now
        facts = replace(facts, rows_seen=collection.rows_seen, rows_quarantined=collection.rows_quarantined)
    write_state(REPO / paths.NIGHT, asdict(facts))
    unchanged = datetime.now(UTC) - datetime.fromisoformat(facts.collected_at)
    counts = collection.events + collection.feedback_events, collection.feedback_events, unchanged.days
    return Night(params, key_of(data_md5), data_md5, quarantine_md5, *counts)


def _new_facts(collection: Collection, data_md5: str, quarantine_md5: str, pointer_md5: str) -> NightFacts:
    earlier = accepted_data.earlier_than(data_md5, pointer_md5)
    volumes = [entry.events for entry in earlier]
    previous = earlier[-1] if earlier else None
    return NightFacts(
        collected_at=datetime.now(UTC).isoformat(timespec="seconds"),
        previous_events=previous.events if previous else None,
        rows_seen=collection.rows_seen,
        rows_quarantined=collection.rows_quarantined,
        data_md5=data_md5,
        quarantine_md5=quarantine_md5,
        newest=collection.newest,
        previous_newest=previous.newest if previous else "",
        like_share=collection.like_share,
        previous_like_share=previous.like_share if previous else None,
        past_news=tuple(after - before for before, after in pairwise(volumes)),
        previous_feedback=previous.feedback if previous else None,
    )


def record_as_accepted(night: Night) -> None:
    """Records that tonight's data passed their checks; the next night compares its numbers of events."""
    facts = read_as(NightFacts, REPO / paths.NIGHT)
    events = night.events - night.feedback_events
    accepted_data.record(
        Accepted(night.data_md5, events, facts.newest, facts.like_share, night.feedback_events)
    )


@task(cache_policy=NO_CACHE)
def version_inputs() -> None:
    """Adds everything else that trainings read to DVC, and hashes every file of the data and of these inputs.

    Raises:
        StageFailed: A file is damaged, and no undamaged copy was found.
    """
    data_versions.add(REPO, *INPUTS)
    data_versions.check_files(REPO, (*DATA, *INPUTS, str(paths.SPLITS)))


@task(cache_policy=NO_CACHE)
def commit_to_nights(night: Night) -> str:
    """Commits the night's pointers and reports to the branch `nights`; returns the commit."""
    decision = read_report(REPO / paths.EVALUATION).gate.decision
    message = f"Night: {night.events} events, data {night.data_md5[:12]}, gate {decision}"
    return data_versions.commit_night(REPO, COMMITTED, message)


@task(cache_policy=NO_CACHE)  # who reaches the remote tries again by itself
def push(night: Night) -> None:
    """Uploads the data and what is derived from them to DVC's default remote, and verifies them there."""
    adapters = (str(paths.ADAPTERS / name) for name in night.params.train.candidates)
    data_versions.push(REPO, (*DATA, *INPUTS, *adapters, str(paths.RULE)))
