"""Removes answers of long ago, and measures the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from components.domain.errors import StageFailed
from components.integrations.service_store.answers import (
    DISHES_SHOWN,
    EXPOSURES,
    FEEDBACK,
    SHOWN,
    SHOWN_AGAIN,
)
from components.integrations.service_store.catalogue import PUBLISHED
from components.integrations.service_store.engine import NAME, as_sentence

_REMOVED_AT_ONCE = 500  # answers, so that the service never waits long
_BYTES = "SELECT pg_database_size(current_database())"
_BYTES_IN_SQLITE = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, "
    "pragma_page_size"
)


def refuse_unmoved(engine: sa.Engine) -> None:
    """Refuses a store with answers as development versions of 0.3.0 wrote them before December 2026.

    Raises:
        StageFailed: The store has such answers, or does not answer.
    """
    unmoved = sa.exists().where(sa.cast(EXPOSURES.c.shown, sa.Text) != "[]")
    with as_sentence(), engine.connect() as connection:
        if connection.execute(sa.select(unmoved)).scalar():
            raise StageFailed(
                f"{NAME} holds answers of a development version, whose dishes no night reads any more: see "
                "`.palate/service.db` in docs/upgrading.md."
            )


def prune(engine: sa.Engine, before: datetime) -> int:
    """Removes answers from before a moment, and then the texts of dishes that no answer shows any more.

    An answer stays until an accepted night has read its feedback.

    Returns:
        Number of removed answers.

    Raises:
        StageFailed: The store does not answer.
    """
    read = sa.select(sa.func.max(PUBLISHED.c.reading)).scalar_subquery()
    unread = sa.select(FEEDBACK.c.answer_id).where(
        FEEDBACK.c.reading.is_(None) | (FEEDBACK.c.reading > sa.func.coalesce(read, 0))
    )
    its_id = EXPOSURES.c.answer_id
    old = sa.select(its_id).where(EXPOSURES.c.at < before, its_id.not_in(unread))
    count = 0
    while ids := _ids(engine, old.limit(_REMOVED_AT_ONCE)):
        with as_sentence(), engine.begin() as connection:
            for table in (SHOWN, EXPOSURES):
                connection.execute(sa.delete(table).where(table.c.answer_id.in_(ids)))
        count += len(ids)
    is_shown = sa.exists().where(SHOWN.c.digest == DISHES_SHOWN.c.digest)
    unused = DISHES_SHOWN.c.last_at < datetime.now(UTC) - 2 * SHOWN_AGAIN  # younger: it may be being shown
    with as_sentence(), engine.begin() as connection:
        connection.execute(sa.delete(DISHES_SHOWN).where(unused, ~is_shown))
    return count


def size_of(engine: sa.Engine) -> int:
    """Computes how many bytes the store holds; free space in SQLite's file is left out.

    Raises:
        StageFailed: The store does not answer.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    with as_sentence(), engine.connect() as connection:
        return int(connection.execute(sa.text(_BYTES_IN_SQLITE if is_sqlite else _BYTES)).scalar_one())


def _ids(engine: sa.Engine, query: sa.Select[Any]) -> list[str]:
    with as_sentence(), engine.connect() as connection:
        return list(connection.execute(query).scalars())
