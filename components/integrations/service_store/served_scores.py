"""The scores of the latest answers, one of each person; whose they are stays in the store."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from components.domain.verdict.score_shift import ServedScores
from components.integrations.service_store.answers import EXPOSURES
from components.integrations.service_store.engine import as_sentence

MOST = 20_000  # answers that are read: more tell no more


def served_scores(engine: sa.Engine, since: datetime, until: datetime) -> list[ServedScores]:
    """Of each person the latest answer of each version that the model scored; of MOST answers at most.

    Args:
        engine: Of the store.
        since: First moment, with a zone.
        until: Moment behind the last one.

    Raises:
        StageFailed: The store does not answer.
    """
    columns = EXPOSURES.c
    query = (
        sa.select(columns.person_id, columns.model_version, columns.ranked, columns.shown)
        .where(columns.at >= since, columns.at < until, columns.ranked > 0)
        .order_by(columns.at.desc())
        .limit(MOST)
    )
    latest = dict[tuple[str, str], ServedScores]()
    with as_sentence(), engine.connect() as connection:
        for person, version, ranked, shown in connection.execution_options(yield_per=1000).execute(query):
            if shown and (person, version) not in latest:
                best, *others = (each["score"] for each in shown)
                margin = best - others[0] if others else None
                latest[person, version] = ServedScores(version, ranked, best, margin)
    return list(latest.values())
