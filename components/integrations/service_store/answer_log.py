"""The answers of the last days with the feedback that names them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from components.domain.exposures import Answered, Reaction
from components.integrations.service_store.answers import EXPOSURES, FEEDBACK, SHOWN, shows
from components.integrations.service_store.engine import as_sentence, utc

_ROWS_AT_ONCE = 10_000


def answers_since(engine: sa.Engine, since: datetime) -> Iterator[Answered]:
    """Answers from a moment on, each once for each of its feedback, oldest feedback first.

    One statement reads all, so that what comes or is erased meanwhile is in it as a whole or not at all.

    Args:
        engine: Of the store.
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
