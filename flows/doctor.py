"""`make doctor DATA=…`: reads a user's tables as a night would, and says what it would make of them."""

from __future__ import annotations

from datetime import UTC, datetime

from components.domain.preferences.contract import TABLES, Stored
from components.domain.preferences.limits import limits_of
from components.integrations import event_sources
from components.integrations.sources import source_of
from components.integrations.sources.intake import take_in
from components.stages.doctor import examine
from flows.environment import REPO
from flows.steps.settings import settings_for


def text(inbox: str) -> str:
    """The page on the tables of an inbox; nothing is written.

    Args:
        inbox: As for a night.

    Raises:
        PalateError: A setting is wrong, or the inbox cannot be read.
    """
    params = settings_for(inbox)
    reading = source_of(params.collect, REPO).read({})
    nothing: Stored = {table: [] for table in TABLES if table != "events"}
    limits = limits_of(params, datetime.now(UTC))
    intake = take_in(reading.tables, nothing, event_sources.no_events(), limits)
    return examine(params, intake.collected, event_sources.event_columns(intake.events))
