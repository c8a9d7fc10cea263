"""What a night publishes to the service: dishes, people and histories, replaced in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from components.domain.catalogue import (
    NAMELESS,
    Line,
    Listed,
    Person,
    Thresholds,
    last_eaten,
    with_feedback,
)
from components.domain.diet.nutrition import Amount, Nutrition
from components.domain.records import Dish, Past
from components.integrations.service_store.answers import ASIDE, FEEDBACK, READINGS, feedback_of
from components.integrations.service_store.engine import (
    META,
    as_sentence,
    delete_rows,
    engine_of,
    leave_no_trace,
    utc,
)
from components.integrations.service_store.erasures import erased

_ROWS_AT_ONCE = 10_000
_DISHES = sa.Table(
    "dishes",
    META,
    sa.Column("dish_id", sa.String(500), primary_key=True),
    sa.Column("row", sa.JSON, nullable=False),
    sa.Column("popularity", sa.Float, nullable=False),
    sa.Column("is_offered", sa.Boolean, nullable=False),
)
PEOPLE = sa.Table(
    "people",
    META,
    sa.Column("person_id", sa.String(200), primary_key=True),
    sa.Column("diet", sa.Text, nullable=False),
    sa.Column("allergies", sa.JSON, nullable=False),
    sa.Column("avoids", sa.JSON, nullable=False),
)
HISTORY = sa.Table(
    "history",
    META,
    sa.Column("person_id", sa.String(200), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("dish_id", sa.String(500), nullable=False),
    sa.Column("verdict", sa.Integer, nullable=False),
    sa.Column("rating", sa.Float),
    sa.Column("at", sa.DateTime(timezone=True)),  # None in what an earlier release published, as the next two
    sa.Column("source", sa.String(200)),
    sa.Column("is_stated", sa.Boolean),
)
PUBLISHED = sa.Table(
    "published",
    META,
    sa.Column("version", sa.String(100), primary_key=True),
    sa.Column("like_at", sa.Float, nullable=False),
    sa.Column("dislike_at", sa.Float, nullable=False),
    sa.Column("feedback_like_at", sa.Float),
    sa.Column("feedback_dislike_at", sa.Float),
    sa.Column("reading", sa.Integer),  # the last that it includes; None before the first
)
EATEN = sa.Table(
    "eaten",
    META,
    sa.Column("person_id", sa.String(200), primary_key=True),
    sa.Column("dish_id", sa.String(500), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)
_MENUS = sa.Table(
    "menus",
    META,
    sa.Column("served_on", sa.Date, primary_key=True),
    sa.Column("dish_id", sa.String(500), primary_key=True),
)
_CONFIRMED = sa.Table("confirmed", META, sa.Column("at", sa.DateTime(timezone=True), primary_key=True))
_NOTE_READING = sa.update(PUBLISHED).values(
    reading=sa.select(sa.func.max(READINGS.c.number)).scalar_subquery()
)
_OF_LISTED_DISHES = sa.select(FEEDBACK.c.event_id).where(FEEDBACK.c.dish_id.in_(sa.select(_DISHES.c.dish_id)))
_FIELDS = ("name", "description", "cuisine", "tags", "ingredients", "allergens")


class Catalogue:
    """Dishes, people and histories in the store at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)

    def has_people(self) -> bool:
        """Tells whether there is a table of people, so that a person who is not in it is a stranger."""
        with as_sentence(), self.engine.connect() as connection:
            return _has_people(connection)

    def version(self) -> str:
        """Reads the version that was published last; empty where none was."""
        with as_sentence(), self.engine.connect() as connection:
            return str(connection.execute(sa.select(PUBLISHED.c.version)).scalar() or "")

    def confirm(self, at: datetime) -> None:
        """Notes when a night whose checks passed last brought its data, whether new or unchanged."""
        with as_sentence(), self.engine.begin() as connection:
            connection.execute(sa.delete(_CONFIRMED))
            connection.execute(sa.insert(_CONFIRMED).values(at=at))
            connection.execute(_NOTE_READING)

    def publish(
        self,
        version: str,
        thresholds: Thresholds,
        dishes: Iterable[tuple[Mapping[str, Any], float, bool]],
        people: Iterable[Mapping[str, Any]],
        histories: Iterable[tuple[str, Sequence[Line]]],
        eaten: Iterable[tuple[str, str, datetime]] = (),
        menus: Iterable[tuple[date, str]] = (),
    ) -> None:
        """Replaces the catalogue.

        Readers see the old content until the new one is whole. Omits erased people.

        The histories are assumed to include all feedback that a night has begun to read.

        Args:
            version: Names the data and the thresholds.
            thresholds: Which ratings are likes and dislikes.
            dishes: Rows of the contract, with a Nutrition as `nutrition` where it was computed and the number
                of `opinions`; each with the dish's popularity and whether it is offered.
            people: Rows of the contract.
            histories: By person, their opinions of dishes, oldest first.
            eaten: Person, dish, and the moment of its last choice or order.
            menus: Days to come, and the dishes that are served on them, each once.
        """
        rows = {
            _DISHES: (_of_dish(*entry) for entry in dishes),
            PEOPLE: (
                {name: _plain(row[name]) for name in ("person_id", "diet", "allergies", "avoids")}
                for row in people
            ),
            HISTORY: (
                _of_line(person, position, line)
                for person, history in histories
                for position, line in enumerate(history)
            ),
            EATEN: ({"person_id": person, "dish_id": dish, "at": at} for person, dish, at in eaten),
            _MENUS: ({"served_on": day, "dish_id": dish} for day, dish in menus),
            PUBLISHED: iter([{"version": version, **vars(thresholds)}]),
        }
        with as_sentence(), self.engine.begin() as connection:
            for table, values in rows.items():
                connection.execute(sa.delete(table))
                while part := list(islice(values, _ROWS_AT_ONCE)):
                    connection.execute(sa.insert(table), part)
            connection.execute(_NOTE_READING)
            connection.execute(sa.delete(ASIDE).where(ASIDE.c.event_id.in_(_OF_LISTED_DISHES)))
            self._remove(connection, erased(connection))

    def has_dish(self, dish_id: str) -> bool:
        """Tells whether the catalogue lists a dish, even a hidden one."""
        query = sa.select(sa.exists().where(_DISHES.c.dish_id == dish_id))
        with as_sentence(), self.engine.connect() as connection:
            return bool(connection.execute(query).scalar())

    def dishes(self) -> list[Listed]:
        """Reads all dishes, by id."""
        with as_sentence(), self.engine.connect() as connection:
            return [
                _listed(row) for row in connection.execute(sa.select(_DISHES).order_by("dish_id")).mappings()
            ]

    def menus(self) -> dict[date, list[str]]:
        """Reads the dishes of each day that was to come when a night published them."""
        days: dict[date, list[str]] = {}
        with as_sentence(), self.engine.connect() as connection:
            for served_on, dish in connection.execute(sa.select(_MENUS)):
                days.setdefault(served_on, []).append(dish)
        return days

    def person(self, person_id: str) -> Person:
        """Looks up a person with their history, including their feedback since the night.

        A person whom nobody knows has neither profile nor history.
        """
        with as_sentence(), self.engine.connect() as connection:
            profile = connection.execute(_of(PEOPLE, person_id)).mappings().first()
            lines = connection.execute(_of(HISTORY, person_id).order_by("position")).mappings()
            history = list(map(_line, lines))
            eaten = {
                row["dish_id"]: utc(row["at"]) for row in connection.execute(_of(EATEN, person_id)).mappings()
            }
            some_people = _has_people(connection)
            published = connection.execute(sa.select(PUBLISHED)).mappings().first()
            confirmed = connection.execute(sa.select(_CONFIRMED.c.at)).scalar()
            if published is None:
                return Person()
            news = _of(FEEDBACK, person_id).order_by("occurred_at", "received_at")
            if reading := published["reading"]:
                is_later = FEEDBACK.c.reading.is_(None) | (FEEDBACK.c.reading > reading)
                news = news.where(is_later | (FEEDBACK.c.kind == "retract"))
            latest = [feedback_of(row) for row in connection.execute(news).mappings()]
        thresholds = Thresholds(**{column.name: published[column.name] for column in fields(Thresholds)})
        person = Person(
            history=with_feedback(history, latest, thresholds),
            is_listed=not some_people,
            eaten=last_eaten(eaten, latest),
            published_at=confirmed and utc(confirmed),
        )
        return replace(person, **_restrictions(profile), is_listed=True, has_row=True) if profile else person

    def restrictions(self, person_id: str) -> Person:
        """Looks up diet, allergies and avoids of a person in one query, and nothing else."""
        with as_sentence(), self.engine.connect() as connection:
            profile = connection.execute(_of(PEOPLE, person_id)).mappings().first()
        return Person(**_restrictions(profile), has_row=True) if profile else Person()

    def restricted_people(self) -> dict[str, Person]:
        """Looks up the restrictions of all people who have any, by id, and nothing else about them."""
        with as_sentence(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(PEOPLE).where(restricted())).mappings()
            return {row["person_id"]: Person(**_restrictions(row), has_row=True) for row in rows}

    def forget(self, *people: str) -> int:
        """Removes people; returns the number of removed rows."""
        with as_sentence(), self.engine.begin() as connection:
            removed = self._remove(connection, people)
        leave_no_trace(self.engine)
        return removed

    def _remove(self, connection: sa.Connection, people: Sequence[str]) -> int:
        removed = {table: delete_rows(connection, table, people) for table in (PEOPLE, HISTORY, EATEN)}
        if removed[PEOPLE] and not _has_people(connection):  # else nobody would be asked for allergies
            connection.execute(sa.insert(PEOPLE).values(NAMELESS))
        return sum(removed.values())


def restricted() -> sa.ColumnElement[bool]:
    """Builds the condition for people who stated a diet, an allergy or an avoided ingredient."""
    lists = (sa.cast(column, sa.Text) != "[]" for column in (PEOPLE.c.allergies, PEOPLE.c.avoids))
    return sa.or_(PEOPLE.c.diet != "", *lists)


def _has_people(connection: sa.Connection) -> bool:
    return bool(connection.execute(sa.select(sa.exists(sa.select(PEOPLE)))).scalar())


def _of(table: sa.Table, person_id: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.person_id == person_id)


def _of_dish(row: Mapping[str, Any], popularity: float, is_offered: bool) -> dict[str, Any]:
    nutrition = asdict(row.get("nutrition") or Nutrition())
    more = {"nutrition": nutrition, "opinions": row.get("opinions", 0)}
    return {
        "dish_id": row["dish_id"],
        "row": {name: _plain(row[name]) for name in _FIELDS} | more,
        "popularity": popularity,
        "is_offered": is_offered,
    }


def _of_line(person: str, position: int, line: Line) -> dict[str, Any]:
    values = {"at": line.at, "source": line.source, "is_stated": line.is_stated}
    return {"person_id": person, "position": position, **vars(line.past), **values}


def _line(row: Any) -> Line:
    past = Past(row["dish_id"], row["verdict"], row["rating"])
    at = utc(row["at"]) if row["at"] else datetime.min.replace(tzinfo=UTC)
    return Line(past, at, row["source"] or "", row["is_stated"] is not False)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed(row: Any) -> Listed:
    values = row["row"]
    texts = values["name"], values["description"], values["cuisine"]
    dish = Dish(row["dish_id"], *texts, tuple(values["tags"]), tuple(values["ingredients"]))
    allergens = values["allergens"]
    declared = None if allergens is None else tuple(allergens)
    nutrition = values.get("nutrition") or asdict(Nutrition())  # versions before published none
    amounts = {name: Amount(**amount) for name, amount in nutrition["amounts"].items()}
    holds = Nutrition(amounts, tuple(nutrition["matches"]))
    return Listed(dish, declared, row["popularity"], row["is_offered"], holds, values.get("opinions", 0))


def _restrictions(row: Any) -> dict[str, Any]:
    return {"diet": row["diet"], **{name: tuple(row[name]) for name in ("allergies", "avoids")}}
