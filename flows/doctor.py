"""`make doctor DATA=…`: reads a user's tables as a night would, and says what it would make of them."""

from __future__ import annotations

from datetime import UTC, datetime

from components.domain.preferences.events import accept
from components.domain.preferences.limits import limits_of
from components.integrations.sources import source_of
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
    return examine(params, accept(reading.tables, {}, limits_of(params, datetime.now(UTC))))
