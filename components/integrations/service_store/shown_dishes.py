"""What a recall asks the store: who was shown which dish in which words, and who chose or ordered it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from components.domain.exposures import PICKS
from components.domain.recall import Showing
from components.integrations.service_store.answers import (
    DISHES_SHOWN,
    EXPOSURES,
    FEEDBACK,
    SHOWN,
    SHOWN_AGAIN,
)
from components.integrations.service_store.catalogue import EATEN, PEOPLE, restricted
from components.integrations.service_store.engine import as_sentence, utc

_ROWS_AT_ONCE = 10_000
_FEW = 500  # texts; of more every answer in question is looked through, which is faster
_UNRESTRICTED = '%"applied": {"diet": "", "allergies": [], "avoids": []}%'  # as `filters_of` writes it


def texts_shown(engine: sa.Engine, since: datetime) -> dict[str, dict[str, Any]]:
    """Reads the dishes that were shown since a moment, as they were shown, by digest.

    Raises:
        StageFailed: The store does not answer, as for all functions here.
    """
    query = sa.select(DISHES_SHOWN.c.digest, DISHES_SHOWN.c.dish).where(
        DISHES_SHOWN.c.last_at >= since - SHOWN_AGAIN
    )
    with as_sentence(), engine.connect() as connection:
        return {row.digest: row.dish for row in connection.execute(query)}


def showings(
    engine: sa.Engine, since: datetime, digests: Collection[str], *, everybody: bool = False
) -> Iterator[Showing]:
    """Yields the answers that showed one of some texts, and possibly answers that showed only other texts.

    Args:
        since: First moment, with a zone.
        everybody: Whether to include answers to people who had no restriction then and have none now.
    """
    its_dishes = sa.select(sa.func.aggregate_strings(SHOWN.c.digest, " ")).where(
        SHOWN.c.answer_id == EXPOSURES.c.answer_id
    )
    columns = EXPOSURES.c.person_id, EXPOSURES.c.at, EXPOSURES.c.filters
    query = sa.select(*columns, its_dishes.scalar_subquery()).where(EXPOSURES.c.at >= since)
    if len(digests) <= _FEW:
        query = query.where(
            EXPOSURES.c.answer_id.in_(sa.select(SHOWN.c.answer_id).where(SHOWN.c.digest.in_(digests)))
        )
    if not everybody:
        query = query.where(
            EXPOSURES.c.filters.not_like(_UNRESTRICTED)
            | EXPOSURES.c.person_id.in_(sa.select(PEOPLE.c.person_id).where(restricted()))
        )
    with as_sentence(), engine.connect() as connection:
        stream = connection.execution_options(yield_per=_ROWS_AT_ONCE)
        for person, at, filters, shown in stream.execute(query) if digests else ():
            yield Showing(person, utc(at), filters, tuple((shown or "").split()))


def picks(engine: sa.Engine, since: datetime, dish_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
    """Looks up when each person last chose or ordered each dish, in the service or in the inbox."""
    of_feedback = FEEDBACK.c.kind.in_(PICKS)
    tables = ((FEEDBACK, FEEDBACK.c.occurred_at, of_feedback), (EATEN, EATEN.c.at, sa.true()))
    last = dict[tuple[str, str], datetime]()
    with as_sentence(), engine.connect() as connection:
        for table, at, condition in tables:
            query = sa.select(table.c.person_id, table.c.dish_id, sa.func.max(at)).where(
                condition, at >= since, table.c.dish_id.in_(dish_ids)
            )
            for person, dish, moment in connection.execute(
                query.group_by(table.c.person_id, table.c.dish_id)
            ):
                last[person, dish] = max(utc(moment), last.get((person, dish), utc(moment)))
    return last
