"""What the service showed and what people said of it.

The service writes it while people wait, and a night reads it as one more source of events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from components.domain.exposures import SERVICE, Exposure, Feedback, Shown
from components.domain.records import Dish
from components.integrations.service_store.engine import META, as_sentence, engine_of, leave_no_trace, utc
from components.integrations.service_store.erasures import refuse_erased
from components.integrations.service_store.quotas import check_quotas

SHOWN = "shown"

EXPOSURES = sa.Table(
    "exposures",
    META,
    sa.Column("answer_id", sa.String(200), primary_key=True),
    sa.Column("person_id", sa.String(200), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("model_version", sa.String(50), nullable=False),
    sa.Column("data_version", sa.String(50), nullable=False),
    sa.Column("ranked", sa.Integer),
)
FEEDBACK = sa.Table(
    "feedback",
    META,
    sa.Column("event_id", sa.String(200), primary_key=True),
    sa.Column("person_id", sa.String(200), nullable=False, index=True),
    sa.Column("dish_id", sa.String(500), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("answer_id", sa.String(200), nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, index=True),
)


class ServiceStore:
    """A store at a URL of SQLAlchemy's; its tables are made where they are missing.

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
        values = {**vars(exposure), "shown": [asdict(shown) for shown in exposure.shown]}
        with as_sentence(), self.engine.begin() as connection:
            connection.execute(sa.insert(EXPOSURES).values(values))
            refuse_erased(connection, exposure.person_id)

    def exposure(self, answer_id: str) -> Exposure | None:
        """The answer with an id; None where there is none."""
        query = sa.select(EXPOSURES).where(EXPOSURES.c.answer_id == answer_id)
        with as_sentence(), self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _exposure(row) if row else None

    def add_feedback(self, feedback: Feedback, most_newcomers: int | None = None) -> Feedback:
        """Stores feedback once, and returns what is stored under its id: this one, or an earlier one.

        Args:
            feedback: From whomever.
            most_newcomers: As for `check_quotas`; None counts nothing.

        Raises:
            Erased: The person was erased meanwhile.
            QuotaReached: It is one too many of today.
        """
        with as_sentence():
            try:
                with self.engine.begin() as connection:
                    values = {**vars(feedback), "received_at": datetime.now(UTC)}
                    connection.execute(sa.insert(FEEDBACK).values(values))
                    if most_newcomers is not None:
                        check_quotas(connection, FEEDBACK, feedback.person_id, most_newcomers)
                    refuse_erased(connection, feedback.person_id)
            except exc.IntegrityError:
                return self._feedback(feedback.event_id)
        return feedback

    def _feedback(self, event_id: str) -> Feedback:
        query = sa.select(FEEDBACK).where(FEEDBACK.c.event_id == event_id)
        with self.engine.connect() as connection:
            row = dict(connection.execute(query).mappings().one())
        row.pop("received_at")
        return Feedback(**{**row, "occurred_at": utc(row["occurred_at"])})

    def rows(self) -> tuple[dict[str, list[dict[str, Any]]], datetime | None]:
        """All feedback as rows of the contract, and the menus that it chose from, which are answers.

        All of it each time: what pointed at nothing on one night may point at something on the next. A row
        also has, under SHOWN, the dish as the answer described it; None where it is of no answer.

        Returns:
            Rows by table, and when the latest feedback was received.
        """
        query = sa.select(FEEDBACK, *(column.label(f"its_{column.name}") for column in EXPOSURES.c)).join(
            EXPOSURES, FEEDBACK.c.answer_id == EXPOSURES.c.answer_id, isouter=True
        )
        with as_sentence(), self.engine.connect() as connection:
            entries = connection.execute(query.order_by(FEEDBACK.c.received_at)).mappings().all()
        latest = max((utc(entry["received_at"]) for entry in entries), default=None)
        return _tables(entries), latest

    def forget(self, person_id: str) -> int:
        """Removes a person; returns the number of answers and feedback that went."""
        removed = 0
        with as_sentence(), self.engine.begin() as connection:
            for table in (EXPOSURES, FEEDBACK):
                removed += connection.execute(sa.delete(table).where(table.c.person_id == person_id)).rowcount
        leave_no_trace(self.engine)
        return removed


def _tables(entries: Iterable[Any]) -> dict[str, list[dict[str, Any]]]:
    events, menus = list[dict[str, Any]](), dict[tuple[str, str], dict[str, Any]]()
    for entry in entries:
        shown = {each["dish"]["dish_id"]: each["dish"] for each in entry["its_shown"] or ()}
        values = {name: entry[name] for name in ("event_id", "person_id", "dish_id", "kind", "value")}
        values |= {"source": SERVICE, "occurred_at": utc(entry["occurred_at"]).isoformat()}
        values |= {SHOWN: shown.get(entry["dish_id"])}
        if entry["kind"] == "choice":
            values["menu_id"] = entry["answer_id"]  # without the answer no menu has it, and it is quarantined
        if entry["kind"] == "choice" and entry["its_at"]:
            menu = {"menu_id": entry["answer_id"], "served_on": utc(entry["its_at"]).date().isoformat()}
            for dish_id, dish in shown.items():
                menus[entry["answer_id"], dish_id] = menu | {"dish_id": dish_id, SHOWN: dish}
        events.append(values)
    return {"menus": list(menus.values()), "events": events}


def _exposure(row: Any) -> Exposure:
    shown = tuple(
        Shown(Dish(**{**one["dish"], "tags": tuple(one["dish"]["tags"]),
                      "ingredients": tuple(one["dish"]["ingredients"])}), one["score"], one["propensity"])
        for one in row["shown"]
    )  # fmt: skip
    return Exposure(**{**row, "shown": shown, "at": utc(row["at"])})
