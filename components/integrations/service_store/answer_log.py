"""What a night reads of the store: feedback as a stream, shown dishes, and how recent answers fared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from components.domain.exposures import Answered, Reaction, StoredFeedback
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


def answers_since(engine: sa.Engine, since: datetime) -> Iterator[Answered]:
    """Yields answers from a moment on, each once for each of its feedback, oldest feedback first.

    One statement reads everything, so that an answer that comes or is erased meanwhile is either whole or
    absent.

    Args:
        since: First moment, with a zone.

    Raises:
        StageFailed: The store does not answer.
    """
    with as_sentence(), engine.connect() as connection:
        stream = connection.execution_options(yield_per=_ROWS_AT_ONCE)
        for row in stream.execute(_query(since)).mappings():
            names = row["answer_id"], utc(row["at"]), row["model_version"]
            yield Answered(*names, _reaction(row), row["person_id"])


def _query(since: datetime) -> sa.Select[Any]:
    later = FEEDBACK.alias("later")
    retracted = sa.exists().where(
        later.c.kind == "retract",
        later.c.person_id == FEEDBACK.c.person_id,
        later.c.dish_id == FEEDBACK.c.dish_id,
        later.c.occurred_at >= FEEDBACK.c.occurred_at,
    )
    columns = EXPOSURES.c
    answer = columns.answer_id, columns.at, columns.model_version, columns.person_id
    return (
        sa.select(
            *answer, SHOWN.c.position, FEEDBACK.c.dish_id, FEEDBACK.c.kind, FEEDBACK.c.value,
            retracted.label("is_retracted"),
        )
        .join(FEEDBACK, FEEDBACK.c.answer_id == EXPOSURES.c.answer_id, isouter=True)
        .join(SHOWN, shows(EXPOSURES.c.answer_id, FEEDBACK.c.dish_id), isouter=True)
        .where(EXPOSURES.c.at >= since)
        .order_by(FEEDBACK.c.occurred_at, FEEDBACK.c.received_at)
    )  # fmt: skip


def _reaction(row: Any) -> Reaction | None:
    if row["kind"] is None:
        return None
    return Reaction(row["dish_id"], row["position"], row["kind"], row["value"], bool(row["is_retracted"]))


def begin_reading(engine: sa.Engine) -> None:
    """Gives the next reading's number to all new feedback, which `read_feedback` then yields.

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


def shown_by(engine: sa.Engine, answer_ids: Iterable[str]) -> Iterator[sa.Row[Any]]:
    """Yields answer_id, dish_id, digest, name and score of each dish of some answers, the best first."""
    columns = SHOWN.c.answer_id, SHOWN.c.dish_id, SHOWN.c.digest, _NAME, SHOWN.c.score
    query = sa.select(*columns).join(DISHES_SHOWN, _SAME_DISH)
    query = query.order_by(SHOWN.c.answer_id, SHOWN.c.position)
    return _by_ids(engine, query, SHOWN.c.answer_id, answer_ids)


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
