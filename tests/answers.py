"""What a service's store holds, for tests that look into it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from components.domain.exposures import Exposure, Shown
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore
from components.integrations.service_store.answers import (
    DISHES_SHOWN,
    EXPOSURES,
    FEEDBACK,
    SHOWN,
    feedback_of,
)
from components.integrations.service_store.engine import utc


def feedback_in(url: str) -> list[dict[str, Any]]:
    """All feedback by column, in the order in which it came; ids are the callers'."""
    with ServiceStore(url).engine.connect() as connection:
        rows = connection.execute(sa.select(FEEDBACK).order_by("received_at")).mappings().all()
    return [vars(feedback_of(row)) for row in rows]


def exposure_of(url: str, answer_id: str) -> Exposure | None:
    """An answer as it was stored; None where there is no such one."""
    with ServiceStore(url).engine.connect() as connection:
        query = sa.select(EXPOSURES).where(EXPOSURES.c.answer_id == answer_id)
        answer = connection.execute(query).mappings().first()
        dishes = (
            sa.select(DISHES_SHOWN.c.dish, SHOWN.c.score, SHOWN.c.propensity)
            .join(SHOWN, SHOWN.c.digest == DISHES_SHOWN.c.digest)
            .where(SHOWN.c.answer_id == answer_id)
            .order_by(SHOWN.c.position)
        )
        shown = tuple(
            Shown(_dish(row.dish), row.score, row.propensity, _many(row.dish["allergens"]))
            for row in connection.execute(dishes)
        )
    return Exposure(**{**answer, "shown": shown, "at": utc(answer["at"])}) if answer else None


def _dish(texts: dict[str, Any]) -> Dish:
    return Dish(**{name: _many(text) for name, text in texts.items() if name != "allergens"})


def _many(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
