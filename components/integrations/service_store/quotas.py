"""Limits how much feedback is taken in a UTC day: of one person, and of people who were unknown before.

All processes that share the store count together, and a restart forgets nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa

from components.domain.errors import QuotaReached
from components.integrations.service_store.engine import META, as_sentence

MOST_A_DAY = 500  # rows of one person: twice a menu of `serve.max_dishes`, and a hundred more

NEWCOMERS = sa.Table(
    "newcomers",
    META,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("most", sa.Integer, nullable=False),
)
_PUBLISHED = [sa.table(name, sa.column("person_id", sa.String)) for name in ("people", "history")]
_BEGIN_DAY = sa.text("INSERT INTO newcomers VALUES (:day, 0, 0) ON CONFLICT DO NOTHING")


def check_quotas(connection: sa.Connection, feedback: sa.Table, person_id: str, most_newcomers: int) -> None:
    """Checks the quotas after a row of feedback was written; if the caller rolls back, it was not counted.

    Args:
        connection: Connection in the transaction that wrote the row; in SQLite it is the only writer.
        feedback: Table of the row.
        most_newcomers: The most people without earlier feedback, profile and history to take in a day.

    Raises:
        QuotaReached: The person has sent too many rows, or too many new people sent feedback today.
    """
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date(), time(), UTC)
    wait_s = int((midnight + timedelta(days=1) - now).total_seconds()) + 1
    theirs = sa.select(sa.func.count()).select_from(feedback).where(feedback.c.person_id == person_id)
    if (connection.scalar(theirs.where(feedback.c.received_at >= midnight)) or 0) > MOST_A_DAY:
        raise QuotaReached(
            f"{MOST_A_DAY} rows of feedback of this person were taken today: send more tomorrow (UTC).",
            wait_s=wait_s,
        )
    profile_or_history = (sa.exists().where(table.c.person_id == person_id) for table in _PUBLISHED)
    if (connection.scalar(theirs) or 0) > 1 or connection.scalar(sa.select(sa.or_(*profile_or_history))):
        return
    connection.execute(_BEGIN_DAY, {"day": str(now.date())})
    newcomers = NEWCOMERS.c
    today = sa.update(NEWCOMERS).where(newcomers.day == str(now.date()), newcomers.people < most_newcomers)
    counted = connection.execute(today.values(people=newcomers.people + 1, most=most_newcomers))
    if not counted.rowcount:
        raise QuotaReached(
            f"Feedback of {most_newcomers} new people was taken today: send this tomorrow (UTC).",
            wait_s=wait_s,
        )


def full_days(engine: sa.Engine, since: datetime) -> list[tuple[str, int]]:
    """Lists the days on which as many new people came as were allowed, oldest first, with their number.

    Args:
        since: A moment of the first day, in UTC.

    Raises:
        StageFailed: The store does not answer.
    """
    columns = NEWCOMERS.c
    query = sa.select(columns.day, columns.people).where(columns.people >= columns.most)
    with as_sentence(), engine.connect() as connection:
        rows = connection.execute(query.where(columns.day >= str(since.date())).order_by("day"))
        return [(row.day, row.people) for row in rows]
