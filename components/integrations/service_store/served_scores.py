"""The scores of the latest answers, one of each person; whose they are stays in the store."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from components.domain.verdict.score_shift import ServedScores
from components.integrations.service_store.answers import EXPOSURES, SHOWN
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
    columns, best, second = EXPOSURES.c, SHOWN.alias("best"), SHOWN.alias("second")
    query = (
        sa.select(columns.person_id, columns.model_version, columns.ranked, best.c.score, second.c.score)
        .join(best, (best.c.answer_id == columns.answer_id) & (best.c.position == 1))
        .join(second, (second.c.answer_id == columns.answer_id) & (second.c.position == 2), isouter=True)
        .where(columns.at >= since, columns.at < until, columns.ranked > 0)
        .order_by(columns.at.desc())
        .limit(MOST)
    )
    latest = dict[tuple[str, str], ServedScores]()
    with as_sentence(), engine.connect() as connection:
        for person, version, ranked, score, lower in connection.execute(query):
            margin = None if lower is None else score - lower
            latest.setdefault((person, version), ServedScores(version, ranked, score, margin))
    return list(latest.values())
