"""The service's feedback in a night: its rows, taken in apart from the inbox's, and how answers fared."""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from components.domain.answer_rates import AnswerRates, answer_rates, why_fallen
from components.domain.catalogue import Thresholds
from components.domain.exposures import SERVICE
from components.domain.params import CollectParams
from components.domain.preferences.limits import Limits
from components.integrations.service_store import (
    Catalogue,
    ServiceStore,
    answers_since,
    begin_reading,
    full_days,
    refuse_unmoved,
)
from components.integrations.sources.batches import Rows
from components.integrations.sources.intake import Intake, take_in
from flows.alarms import raise_alarm
from flows.night.feedback_rows import News, Reading
from flows.night.tonight import Night

SHOWN_DAYS = 14  # of answers in the night's report, today included


def service_store() -> ServiceStore | None:
    """Opens the store that PALATE_STORE names; None where there is no store yet."""
    url = os.environ.get("PALATE_STORE", "")
    is_missing = url.startswith("sqlite") and not Path(sa.make_url(url).database or "").is_file()
    return ServiceStore(url) if url and not is_missing else None


def forget(*people: str) -> int:
    """Removes people from the store; returns the number of removed rows."""
    store = service_store()
    return store.forget(*people) + Catalogue(os.environ["PALATE_STORE"]).forget(*people) if store else 0


def with_feedback(inbox: Intake, limits: Limits, *, has_people: bool) -> tuple[Intake, News]:
    """Takes the service's feedback in after the inbox's rows.

    A dish that the inbox describes stays as the inbox describes it. If the service showed another dish under
    its id, feedback on that other dish is quarantined. A dish that no inbox has described is hidden: a
    caller's words must not make it safe for somebody.

    Args:
        inbox: The accepted data with the inbox's rows of tonight.
        has_people: Whether the inbox has a table of people tonight.

    Raises:
        StageFailed: The store does not answer.
    """
    store = service_store()
    if store is None:
        return inbox, News()
    refuse_unmoved(store.engine)
    begin_reading(store.engine)
    news, ids = Reading(store.engine, inbox).read(), inbox.events["event_id"]
    if not news.superseded and not any(map(len, news.tables.values())):
        return inbox, news
    events = inbox.events.filter(pc.invert(pc.is_in(ids, value_set=pa.array(news.superseded, pa.string()))))
    people = {"people": Rows()} if has_people else {}
    return take_in({**news.tables, **people}, inbox.collected.tables, events, limits), news


def warn_of(news: News) -> None:
    """Raises an alarm where feedback waits in the store."""
    if news.aside or news.waiting:
        raise_alarm(
            "feedback waits",
            f"{news.aside:,} rows of feedback are on dishes that no answer and no inbox describes: list "
            f"these in the inbox. {news.waiting:,} more are too many new dishes or menus for one night.",
        )


def rates(night: Night) -> list[AnswerRates]:
    """Computes how the service's answers of the last days fared; empty where no feedback names an answer.

    Args:
        night: Tonight; its settings say what a rating means and when the site's days begin.

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
    """Chooses which ratings are likes and dislikes, in histories and in feedback with a scale of its own."""
    scale = collect.scales.get(SERVICE)
    of_feedback = (scale.like_at, scale.dislike_at) if scale else (None, None)
    return Thresholds(collect.like_at, collect.dislike_at, *of_feedback)
