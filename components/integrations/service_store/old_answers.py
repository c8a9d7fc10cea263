"""Moves answers that an older Palate stored to the present tables, and removes answers of long ago."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from components.domain.exposures import Shown
from components.domain.records import Dish
from components.integrations.service_store.answers import (
    DISHES_SHOWN,
    EXPOSURES,
    FEEDBACK,
    SHOWN,
    SHOWN_AGAIN,
    add_shown,
)
from components.integrations.service_store.catalogue import PUBLISHED
from components.integrations.service_store.engine import as_sentence, utc

_MOVED_AT_ONCE = 20  # answers of up to 1 MB
_REMOVED_AT_ONCE = 500  # answers, so that the service never waits long
_BYTES = "SELECT pg_database_size(current_database())"
_BYTES_IN_SQLITE = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, "
    "pragma_page_size"
)
_OLDER = sa.cast(EXPOSURES.c.shown, sa.Text) != "[]"


def move_old_answers(engine: sa.Engine) -> None:
    """Moves the dishes of answers that an older Palate stored, or still stores, to where they are read.

    Raises:
        StageFailed: The store does not answer.
    """
    query, last = sa.select(EXPOSURES).where(_OLDER).order_by("answer_id").limit(_MOVED_AT_ONCE), ""
    while True:
        with as_sentence(), engine.connect() as connection:
            rows = connection.execute(query.where(EXPOSURES.c.answer_id > last)).mappings().all()
        if not rows:
            return
        with as_sentence(), engine.begin() as connection:
            for row in rows:
                last = row["answer_id"]
                its_row = sa.update(EXPOSURES).where(EXPOSURES.c.answer_id == last, _OLDER)
                if connection.execute(its_row.values(shown=[])).rowcount:  # else it went meanwhile
                    add_shown(connection, last, utc(row["at"]), _shown(row["shown"]))


def _shown(dishes: list[dict[str, Any]]) -> list[Shown]:
    shown = dict[str, Shown]()
    for row in dishes:
        texts: dict[str, Any] = {
            name: tuple(text) if isinstance(text, list) else text for name, text in row["dish"].items()
        }
        dish = Dish(**texts)
        shown.setdefault(dish.dish_id, Shown(dish, row["score"], row["propensity"]))
    return list(shown.values())


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
