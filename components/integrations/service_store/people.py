"""All that the store holds of one person: read, or erased at once and queued for the next night."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from components.integrations.service_store.answer_log import shown_by
from components.integrations.service_store.answers import EXPOSURES, FEEDBACK, ServiceStore
from components.integrations.service_store.catalogue import EATEN, HISTORY, PEOPLE, Catalogue
from components.integrations.service_store.engine import (
    StillInLog,
    as_sentence,
    engine_of,
    leave_no_trace,
    utc,
)
from components.integrations.service_store.erasures import ERASURES

_ORDER = {HISTORY: "position", EATEN: "at", EXPOSURES: "at", FEEDBACK: "received_at"}


class People:
    """The people in the store at a URL of SQLAlchemy's.

    Raises:
        StageFailed: The store cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)
        self._answers, self._catalogue = ServiceStore(url), Catalogue(url)

    def read(self, person_id: str) -> dict[str, list[dict[str, Any]]]:
        """Rows of a person by table, moments in UTC; empty lists where there are none."""
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
        """Whether a person was erased and the night has not taken them out of everything else yet."""
        with as_sentence(), self.engine.connect() as connection:
            return connection.execute(_rows(ERASURES, person_id)).first() is not None

    def erase(self, person_id: str) -> datetime:
        """Hides a person, queues the rest of their erasure and removes their rows; again it changes nothing.

        Returns:
            When they were queued.

        Raises:
            StageFailed: The store does not answer.
        """
        values: dict[str, Any] = {"person_id": person_id, "queued_at": datetime.now(UTC)}
        with as_sentence():
            try:
                # A transaction of its own: who writes for this person waits for it, or is removed below.
                with self.engine.begin() as connection:
                    connection.execute(sa.insert(ERASURES).values(values))
            except exc.IntegrityError:  # it was queued before
                with self.engine.connect() as connection:
                    row = connection.execute(_rows(ERASURES, person_id)).mappings().first()
                values = dict(row or values)
        for table in (self._answers, self._catalogue):
            with suppress(StillInLog):  # while others read; the night empties the log, or says that it cannot
                table.forget(person_id)
        return utc(values["queued_at"])

    def queued(self) -> list[str]:
        """Ids of the people whom a night must take out, those who wait longest first."""
        with as_sentence(), self.engine.connect() as connection:
            query = sa.select(ERASURES.c.person_id).order_by("queued_at", "person_id")
            return list(connection.execute(query).scalars())

    def mark_done(self, person_id: str) -> None:
        """Takes a person from the queue, so that the store does not hold their id any more."""
        with as_sentence(), self.engine.begin() as connection:
            connection.execute(sa.delete(ERASURES).where(ERASURES.c.person_id == person_id))
        leave_no_trace(self.engine)


def _rows(table: sa.Table, person_id: str) -> sa.Select[Any]:
    query = sa.select(table).where(table.c.person_id == person_id)
    return query.order_by(_ORDER[table]) if table in _ORDER else query
