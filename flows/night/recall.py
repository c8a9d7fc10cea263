"""A list, readable by its owner alone, of who was shown a dish that is no longer safe for them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain import diet
from components.domain.diet import DishFacts
from components.domain.errors import NotFound
from components.domain.params import Params
from components.domain.preferences.contract import as_id
from components.domain.preferences.reused_ids import is_another_dish
from components.domain.recall import Change, Recall
from components.files import folder_sha256, read_as, write_private, write_state
from components.integrations.service_store import Catalogue, picks, showings, texts_shown
from flows.alarms import raise_alarm
from flows.environment import STATE
from flows.night.feedback import service_store

FOLDER, MEMORY = STATE / "recalls", STATE / "recall.json"
OVERLAP = timedelta(minutes=1)  # in which an answer that was being made may be stored after a recall
DAY_S = 86_400
Entries = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Memory:
    """What the last recall looked at.

    Attributes:
        reading: Digest of the code and the dictionary that dishes were read with, and the scheme of letters.
        at: Moment of the last recall, ISO 8601.
        changes: By digest of a shown text, the digest of the dish's facts as they were at that recall.
    """

    reading: str = ""
    at: str = "2000-01-01T00:00:00+00:00"
    changes: dict[str, str] = field(default_factory=dict)


@task(name="recall", cache_policy=NO_CACHE)
def recall(params: Params) -> str:
    """Lists who was shown a dish that is no longer free of what they must not eat.

    For each change of a dish, all answers are searched once; later recalls search only newer answers.

    Returns:
        A sentence without names; empty where nobody is concerned.

    Raises:
        StageFailed: The store does not answer.
    """
    now, store = datetime.now(UTC), service_store()
    _remove_expired(params.alarms.recall_days)
    if store is None:
        return ""
    since, catalogue = now - timedelta(days=params.alarms.recall_days), Catalogue(os.environ["PALATE_STORE"])
    memory = read_as(Memory, MEMORY) if MEMORY.exists() else Memory()
    letters = params.serve.allergen_letters
    changes = _changes(texts_shown(store.engine, since), catalogue, letters)
    hashes = {
        digest: hashlib.sha256(repr(change.now).encode()).hexdigest() for digest, change in changes.items()
    }
    reading = folder_sha256(Path(diet.__file__).parent) + letters
    if reading == memory.reading:
        changes = {digest: change for digest, change in changes.items() if change.shown != change.now}
    repeats = {d for d in changes if reading == memory.reading and memory.changes.get(d) == hashes[d]}
    entries, people = Entries(), catalogue.restricted_people()
    last = max(since, datetime.fromisoformat(memory.at) - OVERLAP)
    for digests, first in ((changes.keys() - repeats, since), (repeats, last)):
        affected = Recall({digest: changes[digest] for digest in digests}, people).affected
        for showing, dish, reasons in affected(showings(store.engine, first, digests)):
            entry = _entry(entries, showing.person_id, dish.dish_id, showing.at)
            entry["dish"], entry["reasons"] = dish.name, sorted({*entry.get("reasons", ()), *reasons})
    sentence = (
        _listed(entries, picks(store.engine, since, {dish for _, dish in entries}), now) if entries else ""
    )
    if sentence:
        raise_alarm("recall", sentence)
    write_state(MEMORY, asdict(Memory(reading, now.isoformat(), {d: hashes[d] for d in changes})))
    return sentence


def by_hand(params: Params, dish: str) -> str:
    """Lists everybody who was lately shown a dish, chose or ordered it, whatever they may eat.

    Raises:
        NotFound: Nobody was shown the dish, chose or ordered it.
        StageFailed: The store does not answer.
    """
    now, store, days, dish_id = datetime.now(UTC), service_store(), params.alarms.recall_days, as_id(dish)
    since, entries = now - timedelta(days=days), Entries()
    if store:
        people = Catalogue(os.environ["PALATE_STORE"]).restricted_people()
        digests = {d for d, text in texts_shown(store.engine, since).items() if text["dish_id"] == dish_id}
        for showing in showings(store.engine, since, digests, everybody=True):
            _entry(entries, showing.person_id, dish_id, showing.at)["filters"] = showing.filters
        chosen = picks(store.engine, since, [dish_id])
        for person, _ in chosen:
            _entry(entries, person, dish_id, None)
        for (person, _), entry in entries.items():
            entry["stored"] = asdict(people[person]) if person in people else None
    if not entries:
        raise NotFound(f"Nobody was shown, chose or ordered a dish '{dish}' in {days} days: look at its id.")
    return _listed(entries, chosen, now)


def forget(*people: str) -> int:
    """Takes people out of all lists; returns the number of removed entries."""
    count, ids = 0, set(people)
    for path in FOLDER.glob("*.json"):
        content = read_as(dict[str, Any], path)
        others = [entry for entry in content["people"] if entry["person_id"] not in ids]
        count += len(content["people"]) - len(others)
        if len(others) < len(content["people"]):
            write_private(path, {**content, "people": others})
    return count


def _changes(texts: Mapping[str, Mapping[str, Any]], catalogue: Catalogue, letters: str) -> dict[str, Change]:
    """Compares each shown text with the catalogue's dish of that id, by the text's digest.

    Texts of dishes that left the catalogue are left out, and texts whose id belongs to another dish now.
    """
    dishes = (replace(listed, letters=letters) for listed in catalogue.dishes())
    current = {listed.dish.dish_id: listed.facts for listed in dishes}
    return {
        digest: Change(_facts(text, current[text["dish_id"]]), current[text["dish_id"]])
        for digest, text in texts.items()
        if text["dish_id"] in current and not is_another_dish(text, {"name": current[text["dish_id"]].name})
    }


def _facts(text: Mapping[str, Any], now: DishFacts) -> DishFacts:
    declared = text.get("allergens", now.allergens)  # answers of an older Palate do not tell
    lists = tuple(text["tags"]), tuple(text["ingredients"]), None if declared is None else tuple(declared)
    return DishFacts(text["dish_id"], text["name"], text["description"], *lists, now.letters)


def _entry(entries: Entries, person: str, dish: str, shown: datetime | None) -> dict[str, Any]:
    entry = entries.setdefault((person, dish), {"person_id": person, "dish_id": dish, "shown_at": None})
    if shown:
        entry["shown_at"] = max(shown.isoformat(), entry["shown_at"] or "")
    return entry


def _listed(entries: Entries, chosen: Mapping[tuple[str, str], datetime], now: datetime) -> str:
    """Writes the list to a file; returns a sentence with its numbers and its path."""
    for key, entry in entries.items():
        entry["chosen_at"] = chosen[key].isoformat() if key in chosen else None
    path = FOLDER / f"{now:%Y-%m-%dT%H%M%S.%fZ}.json"
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, {"at": now.isoformat(), "people": [entries[key] for key in sorted(entries)]})
    people = {person for person, _ in entries}
    who_chose = {person for person, dish in entries if (person, dish) in chosen}
    return (
        f"{len(people):,} people were shown or chose {len({dish for _, dish in entries}):,} dishes that are "
        f"recalled for them, {len(who_chose):,} of them chose or ordered one: {path}"
    )


def _remove_expired(days: int) -> None:
    for path in FOLDER.glob("*.json"):
        if time.time() - path.stat().st_mtime > days * DAY_S:
            path.unlink()
