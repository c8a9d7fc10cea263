"""What people said to the service, as one more source of a night's rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from components.domain.answer_rates import AnswerRates, answer_rates, why_fallen
from components.domain.catalogue import Thresholds
from components.domain.exposures import SERVICE
from components.domain.params import CollectParams
from components.domain.preferences.contract import Stored, as_id
from components.domain.preferences.events import RawRow
from components.domain.preferences.reused_ids import is_another_dish
from components.integrations.service_store import (
    NAME,
    SHOWN,
    Catalogue,
    ServiceStore,
    answers_since,
    full_days,
)
from components.integrations.sources.batches import Rows
from components.integrations.sources.rows import Reading
from flows.steps.alarms import raise_alarm
from flows.steps.night import Night

WATERMARK = "feedback"  # beside those of the inbox's tables: what was received later is not in the night
SHOWN_DAYS = 14  # of answers in the night's report, today included


def service_store() -> ServiceStore | None:
    """The store that PALATE_STORE names; None where there is none yet."""
    url = os.environ.get("PALATE_STORE", "")
    is_missing = url.startswith("sqlite") and not Path(sa.make_url(url).database or "").is_file()
    return ServiceStore(url) if url and not is_missing else None


def forget(person: str) -> int:
    """Removes a person from the store; returns the number of rows that went."""
    store = service_store()
    return store.forget(person) + Catalogue(os.environ["PALATE_STORE"]).forget(person) if store else 0


def with_feedback(reading: Reading, stored: Stored) -> Reading:
    """An inbox's rows with the service's behind them.

    A dish that the inbox describes stays as the inbox describes it. Where the service showed another dish
    under its id, what was said of that one is quarantined. A dish that no inbox has described is hidden: a
    caller's words must not make it safe for somebody.

    Args:
        reading: Of the inbox.
        stored: What earlier nights accepted.

    Raises:
        StageFailed: The store does not answer.
    """
    store = service_store()
    if store is None:
        return reading
    rows, latest = store.rows()
    names = {row["dish_id"]: row["name"] for row in stored["dishes"]}
    listed = (row.values for row in reading.tables.get("dishes", ()))
    names |= {as_id(row.get("dish_id", "")): str(row.get("name", "")) for row in listed}
    tables = dict(reading.tables)
    for table, values in rows.items():
        tables[table] = _behind(tables.get(table), _raw(values, names))
    shown = {as_id(row["dish_id"]): row[SHOWN] for row in (*rows["menus"], *rows["events"]) if row[SHOWN]}
    new = [{SHOWN: None, **row, "hidden": True} for dish, row in shown.items() if dish not in names]
    tables["dishes"] = _behind(tables.get("dishes"), _raw(new, names))
    marks = {WATERMARK: latest.isoformat()} if latest else {}
    return Reading(tables, {**reading.watermarks, **marks})


def _behind(rows: Rows | None, more: Iterable[RawRow]) -> Rows:
    """The rows of an inbox with the service's behind them."""
    both = Rows()
    both.extend(rows or Rows())
    both.extend(Rows.of(NAME, more))
    return both


def rates(night: Night) -> list[AnswerRates]:
    """How the service's answers of the last days fared; none where no feedback names one of them.

    Args:
        night: Its settings say what a rating means, and where the site's days begin.

    Raises:
        StageFailed: The store does not answer.
    """
    store, collect = service_store(), night.params.collect
    if store is None:
        return []
    for day, people in full_days(store.engine, datetime.now(UTC) - timedelta(days=1)):
        raise_alarm(
            "many new people",
            f"On {day} (UTC) {people:,} people of whom nothing was known sent feedback, and others were told "
            "to come again the next day: raise serve.max_new_people if they are real, else look who asks.",
        )
    zone = ZoneInfo(collect.timezone)
    first = datetime.now(zone).date() - timedelta(days=SHOWN_DAYS - 1)
    rows = answers_since(store.engine, datetime.combine(first, time.min, zone))
    result = answer_rates(rows, thresholds_of(collect), collect.timezone, night.params.evaluate.confidence)
    fallen = why_fallen(result, datetime.now(zone).date())
    if fallen:
        raise_alarm("answers liked less", fallen)
    return result if any(row.joined.mean for row in result) else []


def thresholds_of(collect: CollectParams) -> Thresholds:
    """What ratings mean in histories, and in feedback where it has a scale of its own."""
    scale = collect.scales.get(SERVICE)
    of_feedback = (scale.like_at, scale.dislike_at) if scale else (None, None)
    return Thresholds(collect.like_at, collect.dislike_at, *of_feedback)


def _raw(values: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[RawRow]:
    """The rows as the contract takes them; those of another dish than the inbox names have a problem."""
    return [
        RawRow(NAME, number, {key: row[key] for key in row if key != SHOWN}, _why_not(row, names))
        for number, row in enumerate(values, 1)
    ]


def _why_not(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name, shown = names.get(as_id(row["dish_id"])), row[SHOWN]
    if name is None or shown is None or not is_another_dish({"name": name}, shown):
        return ""
    return f"dish_id '{row['dish_id']}' was shown as '{shown['name']}', and is '{name}' in the inbox"
