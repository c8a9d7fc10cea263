"""Stores what the service showed and what people said of it.

The service writes it while people wait, and a night reads it as one more source of events. A dish is stored
once for each text in which it was shown, by the digest of its content. Who was shown dish `7`, in what text
and when:

    SELECT person_id, at, dish FROM dishes_shown JOIN shown USING (digest) JOIN exposures USING (answer_id)
    WHERE dishes_shown.dish_id = '7'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from components.domain.errors import QuotaReached
from components.domain.exposures import Exposure, Feedback, Shown
from components.domain.feedback import ASIDE_WAIT_S, MOST_ASIDE, stored_id
from components.integrations.service_store.engine import (
    META,
    as_sentence,
    delete_rows,
    engine_of,
    leave_no_trace,
    utc,
)
from components.integrations.service_store.erasures import refuse_erased
from components.integrations.service_store.quotas import check_quotas

SHOWN_AGAIN = timedelta(hours=12)  # after which `last_at` of a dish is written again

EXPOSURES = sa.Table(
    "exposures",
    META,
    sa.Column("answer_id", sa.String(200), primary_key=True),
    sa.Column("person_id", sa.String(200), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),  # empty: the dishes are in SHOWN
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("model_version", sa.String(50), nullable=False),
    sa.Column("data_version", sa.String(50), nullable=False),
    sa.Column("ranked", sa.Integer),
)
SHOWN = sa.Table(
    "shown",
    META,
    sa.Column("answer_id", sa.String(200), primary_key=True),
    sa.Column("dish_id", sa.String(500), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),  # 1 for the best
    sa.Column("digest", sa.String(64), nullable=False, index=True),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("propensity", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
DISHES_SHOWN = sa.Table(
    "dishes_shown",
    META,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("dish_id", sa.String(500), nullable=False, index=True),
    sa.Column("dish", sa.JSON, nullable=False),
    sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),  # SHOWN_AGAIN older at most
)
FEEDBACK = sa.Table(
    "feedback",
    META,
    sa.Column("event_id", sa.String(200), primary_key=True),  # `stored_id`; the caller's in an older Palate's
    sa.Column("person_id", sa.String(200), nullable=False, index=True),
    sa.Column("dish_id", sa.String(500), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("answer_id", sa.String(200), nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("sent_id", sa.String(200)),  # the caller's; None in an older Palate's
    sa.Column("reading", sa.Integer),  # the first that had it, in READINGS; None until then
)
ASIDE = sa.Table("aside", META, sa.Column("event_id", sa.String(200), primary_key=True))
READINGS = sa.Table(
    "readings",
    META,
    sa.Column("number", sa.Integer, primary_key=True),  # rises whatever the clock says
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)


class ServiceStore:
    """The answers and the feedback in the store at a URL of SQLAlchemy; missing tables are created.

    Raises:
        StageFailed: The store cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)

    def add_exposure(self, exposure: Exposure) -> None:
        """Stores an answer before it is given.

        Raises:
            Erased: The person was erased meanwhile.
        """
        with as_sentence(), self.engine.begin() as connection:
            connection.execute(sa.insert(EXPOSURES).values({**vars(exposure), "shown": []}))
            _add_shown(connection, exposure.answer_id, exposure.at, exposure.shown)
            refuse_erased(connection, exposure.person_id)

    def answer_of(self, feedback: Feedback) -> tuple[str, bool] | None:
        """Looks up whom the answer of feedback was for, and whether it showed the dish; None if unknown."""
        query = (
            sa.select(EXPOSURES.c.person_id, SHOWN.c.position)
            .join(SHOWN, shows(EXPOSURES.c.answer_id, feedback.dish_id), isouter=True)
            .where(EXPOSURES.c.answer_id == feedback.answer_id)
        )
        with as_sentence(), self.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.person_id, row.position is not None)

    def add_feedback(
        self, feedback: Feedback, most_newcomers: int | None = None, *, is_known: bool = True
    ) -> Feedback:
        """Stores feedback once, and returns what is stored under its id: this one, or an earlier one.

        Args:
            feedback: The feedback, with the caller's `event_id`.
            most_newcomers: As for `check_quotas`; None counts nothing.
            is_known: Whether its answer or the catalogue knows the dish; otherwise it is kept aside.

        Raises:
            Erased: The person was erased meanwhile.
            QuotaReached: Today's quota is used up, or no more feedback can be kept aside.
        """
        values = {**vars(feedback), "sent_id": feedback.event_id, "received_at": datetime.now(UTC)}
        values["event_id"] = stored_id(feedback.event_id, feedback.person_id)
        with as_sentence():
            earlier = self._feedback(feedback)
            if earlier:
                return earlier
            try:
                with self.engine.begin() as connection:
                    connection.execute(sa.insert(FEEDBACK).values(values))
                    if most_newcomers is not None:
                        check_quotas(connection, FEEDBACK, feedback.person_id, most_newcomers)
                    if not is_known:
                        _keep_aside(connection, values["event_id"])
                    refuse_erased(connection, feedback.person_id)
            except exc.IntegrityError:  # it came twice at once
                return self._feedback(feedback) or feedback
        return feedback

    def _feedback(self, sent: Feedback) -> Feedback | None:
        older = FEEDBACK.c.sent_id.is_(None) & (FEEDBACK.c.person_id == sent.person_id)
        is_it = FEEDBACK.c.event_id == stored_id(sent.event_id, sent.person_id)
        query = sa.select(FEEDBACK).where(is_it | older & (FEEDBACK.c.event_id == sent.event_id))
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return feedback_of(row) if row else None

    def forget(self, *people: str) -> int:
        """Removes people; returns the number of removed answers and feedback."""
        with as_sentence(), self.engine.begin() as connection:
            for table, key in ((SHOWN, EXPOSURES.c.answer_id), (ASIDE, FEEDBACK.c.event_id)):
                delete_rows(connection, table, people, key)
            removed = sum(delete_rows(connection, table, people) for table in (EXPOSURES, FEEDBACK))
        leave_no_trace(self.engine)
        return removed


def _add_shown(connection: sa.Connection, answer_id: str, at: datetime, shown: Iterable[Shown]) -> None:
    """Stores the dishes of an answer, each text once."""
    rows, dishes = list[dict[str, Any]](), dict[str, dict[str, Any]]()
    for position, offer in enumerate(shown, 1):
        dish = asdict(offer.dish) | {"allergens": offer.allergens}
        digest = hashlib.sha256(json.dumps(dish, sort_keys=True).encode()).hexdigest()
        row = {"answer_id": answer_id, "dish_id": offer.dish.dish_id, "position": position, "digest": digest}
        rows.append(row | {"score": offer.score, "propensity": offer.propensity})
        dishes[digest] = {"digest": digest, "dish_id": offer.dish.dish_id, "dish": dish, "last_at": at}
    if rows:
        insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(DISHES_SHOWN)
        again = insert.on_conflict_do_update(
            index_elements=["digest"],
            set_={"last_at": insert.excluded.last_at},
            where=DISHES_SHOWN.c.last_at < at - SHOWN_AGAIN,
        )
        connection.execute(again, [dishes[digest] for digest in sorted(dishes)])  # in order: no deadlock
        connection.execute(sa.insert(SHOWN), rows)


def feedback_of(row: Any) -> Feedback:
    """Converts a row of FEEDBACK back to the feedback that was sent."""
    names = ("event_id", "person_id", "dish_id", "kind", "value", "answer_id")
    feedback = Feedback(**{name: row[name] for name in names}, occurred_at=utc(row["occurred_at"]))
    return replace(feedback, event_id=row["sent_id"] or row["event_id"])


def _keep_aside(connection: sa.Connection, event_id: str) -> None:
    connection.execute(sa.insert(ASIDE).values(event_id=event_id))
    count = connection.execute(sa.select(sa.func.count()).select_from(ASIDE)).scalar_one()
    if count > MOST_ASIDE:
        raise QuotaReached(
            f"{MOST_ASIDE:,} rows of feedback on unknown dishes wait already: list the dishes in the inbox, "
            "and send this after the next night.",
            wait_s=ASIDE_WAIT_S,
        )


def shows(answer_id: Any, dish_id: Any) -> sa.ColumnElement[bool]:
    """Builds the condition for the row of SHOWN of a dish in an answer; either may be a column."""
    return sa.and_(SHOWN.c.answer_id == answer_id, SHOWN.c.dish_id == dish_id)
