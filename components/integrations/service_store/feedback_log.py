"""Feedback as a night reads it: in a stream, without the texts of dishes, which have digests to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from components.domain.exposures import StoredFeedback
from components.domain.feedback import stored_id
from components.integrations.service_store.answers import (
    DISHES_SHOWN,
    EXPOSURES,
    FEEDBACK,
    READINGS,
    SHOWN,
    feedback_of,
    shows,
)
from components.integrations.service_store.engine import as_sentence, utc

_ROWS_AT_ONCE = 10_000
_IDS_AT_ONCE = 500  # in one statement
_NAME = DISHES_SHOWN.c.dish["name"].as_string().label("name")
_SAME_DISH = DISHES_SHOWN.c.digest == SHOWN.c.digest


def begin_reading(engine: sa.Engine) -> None:
    """Gives the next number to all feedback that no night has read yet; `read_feedback` yields what has one.

    Raises:
        StageFailed: The store does not answer, as for all functions here.
    """
    with as_sentence(), engine.begin() as connection:
        connection.execute(sa.insert(READINGS).values(at=datetime.now(UTC)))
        number = sa.select(sa.func.max(READINGS.c.number)).scalar_subquery()
        connection.execute(sa.update(FEEDBACK).where(FEEDBACK.c.reading.is_(None)).values(reading=number))


def read_feedback(engine: sa.Engine) -> Iterator[StoredFeedback]:
    """Yields all feedback that a night has begun to read, in the order in which it came."""
    is_its_answer = EXPOSURES.c.answer_id == FEEDBACK.c.answer_id
    query = (
        sa.select(FEEDBACK, EXPOSURES.c.at.label("answered_at"), SHOWN.c.digest, _NAME, _menu_size())
        .join(EXPOSURES, is_its_answer & (EXPOSURES.c.person_id == FEEDBACK.c.person_id), isouter=True)
        .join(SHOWN, shows(EXPOSURES.c.answer_id, FEEDBACK.c.dish_id), isouter=True)
        .join(DISHES_SHOWN, _SAME_DISH, isouter=True)
        .where(FEEDBACK.c.reading.is_not(None))
        .order_by(FEEDBACK.c.received_at, FEEDBACK.c.event_id)
    )
    with as_sentence(), engine.connect() as connection:
        stream = connection.execution_options(yield_per=_ROWS_AT_ONCE)
        for row in stream.execute(query).mappings():
            feedback = feedback_of(row)
            its_id = stored_id(feedback.event_id, feedback.person_id)
            answered_at = utc(row["answered_at"]) if row["answered_at"] else None
            its_dish = row["digest"], row["name"]
            yield StoredFeedback(feedback, its_id, answered_at, *its_dish, row["menu_size"] or 0)


def _menu_size() -> sa.Label[Any]:
    dish = SHOWN.alias()
    count = sa.select(sa.func.count()).where(dish.c.answer_id == EXPOSURES.c.answer_id)
    return sa.case((FEEDBACK.c.kind == "choice", count.scalar_subquery())).label("menu_size")


def shown_by(engine: sa.Engine, answer_ids: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yields answer, dish, digest and name for each dish of some answers, an answer's best dish first."""
    columns = SHOWN.c.answer_id, SHOWN.c.dish_id, SHOWN.c.digest, _NAME
    query = sa.select(*columns).join(DISHES_SHOWN, _SAME_DISH)
    query = query.order_by(SHOWN.c.answer_id, SHOWN.c.position)
    for row in _by_ids(engine, query, SHOWN.c.answer_id, answer_ids):
        yield row.answer_id, row.dish_id, row.digest, row.name


def dishes_shown(engine: sa.Engine, digests: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yields dishes as they were shown, in the contract's columns."""
    for row in _by_ids(engine, sa.select(DISHES_SHOWN.c.dish), DISHES_SHOWN.c.digest, digests):
        yield row.dish


def _by_ids(
    engine: sa.Engine, query: sa.Select[Any], column: sa.Column[Any], ids: Iterable[str]
) -> Iterator[sa.Row[Any]]:
    rest = iter(ids)
    with as_sentence(), engine.connect() as connection:
        while some := list(islice(rest, _IDS_AT_ONCE)):
            yield from connection.execute(query.where(column.in_(some)))
