"""Reads all that the store holds of one person, or erases it and queues the person for the next night."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from components.integrations.service_store.answer_log import shown_by
from components.integrations.service_store.answers import EXPOSURES, FEEDBACK, ServiceStore
from components.integrations.service_store.catalogue import EATEN, HISTORY, PEOPLE, Catalogue
from components.integrations.service_store.engine import (
    StillInLog,
    as_sentence,
    delete_rows,
    engine_of,
    leave_no_trace,
    utc,
)
from components.integrations.service_store.erasures import ERASURES, QUEUE

_ORDER = {HISTORY: "position", EATEN: "at", EXPOSURES: "at", FEEDBACK: "received_at"}


class People:
    """The people in the store at a URL of SQLAlchemy.

    Raises:
        StageFailed: The store cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)
        self._answers, self._catalogue = ServiceStore(url), Catalogue(url)

    def read(self, person_id: str) -> dict[str, list[dict[str, Any]]]:
        """Reads the rows of a person by table, moments in UTC; empty lists where there are none."""
        with as_sentence(), self.engine.connect() as connection:
            held: dict[str, list[dict[str, Any]]] = {
                table.name: [
                    {
                        name: utc(value) if isinstance(value, datetime) else value
                        for name, value in row.items()
                    }
                    for row in connection.execute(_rows(table, person_id)).mappings()
                ]
                for table in (PEOPLE, HISTORY, EATEN, EXPOSURES, FEEDBACK)
            }
        answers = {row["answer_id"]: row["shown"] for row in held["exposures"]}
        for dish in shown_by(self.engine, answers):
            texts = {"dish_id": dish.dish_id, "name": dish.name}
            answers[dish.answer_id].append({"dish": texts, "score": dish.score})
        for feedback in held["feedback"]:
            feedback["event_id"] = feedback["sent_id"] or feedback["event_id"]
        return held

    def is_erased(self, person_id: str) -> bool:
        """Tells whether a person was erased and still waits for the night that removes the rest."""
        with as_sentence(), self.engine.connect() as connection:
            return connection.execute(_rows(ERASURES, person_id)).first() is not None

    def erase(self, *people: str) -> datetime:
        """Hides people, queues the rest of their erasure and removes their rows.

        Repeating it changes nothing.

        Returns:
            Moment at which the last of them was queued.

        Raises:
            StageFailed: The store does not answer.
        """
        now = datetime.now(UTC)
        # A transaction of its own: others that write for these people wait for it, or are removed below.
        with as_sentence(), self.engine.begin() as connection:
            connection.execute(QUEUE, [{"person_id": person, "queued_at": now} for person in sorted(people)])
            latest = sa.select(sa.func.max(ERASURES.c.queued_at)).where(ERASURES.c.person_id.in_(people))
            queued_at = connection.scalar(latest) or now
        for table in (self._answers, self._catalogue):
            with suppress(StillInLog):  # while others read; the night empties the log, or says that it cannot
                table.forget(*people)
        return utc(queued_at)

    def queued(self) -> list[str]:
        """Reads the ids of the people whom a night must take out, those who wait longest first."""
        with as_sentence(), self.engine.connect() as connection:
            query = sa.select(ERASURES.c.person_id).order_by("queued_at", "person_id")
            return list(connection.execute(query).scalars())

    def mark_done(self, *people: str) -> None:
        """Removes people from the queue, so that the store no longer holds their ids."""
        with as_sentence(), self.engine.begin() as connection:
            delete_rows(connection, ERASURES, people)
        leave_no_trace(self.engine)


def _rows(table: sa.Table, person_id: str) -> sa.Select[Any]:
    query = sa.select(table).where(table.c.person_id == person_id)
    return query.order_by(_ORDER[table]) if table in _ORDER else query
