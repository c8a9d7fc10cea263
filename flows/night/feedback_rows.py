"""Feedback as rows of the contract: what a night takes in from the store, and what it leaves there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from components.domain.exposures import SERVICE, StoredFeedback
from components.domain.feedback import NEW_DISHES, NEW_MENU_ROWS
from components.domain.preferences.contract import as_id
from components.domain.preferences.events import RawRow
from components.domain.preferences.reused_ids import is_another_dish
from components.integrations.service_store import NAME, dishes_shown, read_feedback, shown_by
from components.integrations.sources.batches import Rows
from components.integrations.sources.intake import Intake

_ROWS_AT_ONCE = 10_000
_Row = tuple[dict[str, Any], str]  # values by column, and why the row is quarantined; empty where it is not


@dataclass
class News:
    """What the store has for a night.

    Attributes:
        tables: Rows by table.
        superseded: Ids of events from feedback that the inbox contains itself by now.
        aside: Number of rows on dishes that are neither in their answer nor in the inbox.
        waiting: Number of rows beyond what one night takes in.
    """

    tables: dict[str, Rows] = field(
        default_factory=lambda: {"dishes": Rows(), "menus": Rows(), "events": Rows()}
    )
    superseded: list[str] = field(default_factory=list)
    aside: int = 0
    waiting: int = 0


class Reading:
    """One night's reading of the store.

    Args:
        inbox: The accepted data with the inbox's rows of tonight.
    """

    def __init__(self, engine: sa.Engine, inbox: Intake) -> None:
        self.engine, self.events = engine, inbox.events
        self.names = {row["dish_id"]: row["name"] for row in inbox.collected.tables["dishes"]}
        self.texts = dict[str, str]()  # digests of the dishes that no inbox has described, by id
        self.menus = dict[str, datetime]()  # answers that somebody chose from, and when they were given
        self.menu_rows = 0
        self.news = News()

    def read(self) -> News:
        """Reads feedback, then the menus from which people chose, then the new dishes of both."""
        rest = read_feedback(self.engine)
        while some := list(islice(rest, _ROWS_AT_ONCE)):
            self._add("events", self._events(some))
        self._add("menus", self._menus())
        dishes = dishes_shown(self.engine, self.texts.values())
        unsafe = {"allergens": None, "hidden": True}  # a caller's words make it safe for nobody
        self._add("dishes", (({**dish, **unsafe}, "") for dish in dishes))
        return self.news

    def _add(self, table: str, rows: Iterator[_Row]) -> None:
        stored = self.news.tables[table]
        stored.extend(
            Rows.of(NAME, (RawRow(NAME, line, *row) for line, row in enumerate(rows, len(stored) + 1)))
        )

    def _events(self, some: Sequence[StoredFeedback]) -> Iterator[_Row]:
        """Yields the feedback that is still to be taken in.

        Skips events that an earlier night took in, and events that the inbox contains itself: the inbox's row
        wins.
        """
        ids = pa.array(
            [name for each in some for name in (each.stored_id, each.feedback.event_id)], pa.string()
        )
        accepted = self.events.filter(pc.is_in(self.events["event_id"], value_set=ids)).to_pylist()
        contents = {row["event_id"]: _content(row) for row in accepted}
        for stored in some:
            is_taken = stored.stored_id in contents
            if contents.get(stored.feedback.event_id) == _content(vars(stored.feedback)):
                self.news.superseded += [stored.stored_id] * is_taken
            elif not is_taken:
                yield from self._event(stored)

    def _event(self, stored: StoredFeedback) -> Iterator[_Row]:
        feedback, dish = stored.feedback, as_id(stored.feedback.dish_id)
        if dish not in self.names and stored.digest is None:
            self.news.aside += 1
            return
        is_menu = feedback.kind == "choice" and stored.answered_at is not None
        rows = stored.menu_size if is_menu and feedback.answer_id not in self.menus else 0
        if self.menu_rows + rows > NEW_MENU_ROWS or not self._is_described(dish, stored.digest):
            self.news.waiting += 1
            return
        self.menu_rows += rows
        values = {name: getattr(feedback, name) for name in ("person_id", "dish_id", "kind", "value")}
        values |= {"event_id": stored.stored_id, "source": SERVICE}
        values |= {"occurred_at": feedback.occurred_at.isoformat()}
        if is_menu and stored.answered_at:
            self.menus[feedback.answer_id] = stored.answered_at
            values["menu_id"] = feedback.answer_id
        elif feedback.kind == "choice":  # its answer went long ago
            values["kind"] = "order"
        yield values, self._why_not(dish, stored.name)

    def _menus(self) -> Iterator[_Row]:
        for row in shown_by(self.engine, self.menus):
            dish, day = as_id(row.dish_id), self.menus[row.answer_id].date().isoformat()
            if self._is_described(dish, row.digest):
                values = {"menu_id": row.answer_id, "served_on": day, "dish_id": row.dish_id}
                yield values, self._why_not(dish, row.name)

    def _is_described(self, dish: str, digest: str | None) -> bool:
        """Tells whether a dish is in the tables tonight; adds a dish of a caller's while there is room."""
        if dish not in self.names and digest and (dish in self.texts or len(self.texts) < NEW_DISHES):
            self.texts[dish] = digest
        return dish in self.names or dish in self.texts

    def _why_not(self, dish: str, shown: str | None) -> str:
        name = self.names.get(dish)
        if name is None or shown is None or not _is_another(name, shown):
            return ""
        return f"dish_id '{dish}' was shown as '{shown}', and is '{name}' in the inbox"


def _content(row: Any) -> tuple[str, str, str]:
    """Extracts person, dish and kind: events with the same id are the same event only if these agree."""
    return row["person_id"], as_id(row["dish_id"]).partition(" (was ")[0], row["kind"]


@lru_cache(_ROWS_AT_ONCE)
def _is_another(name: str, shown: str) -> bool:
    return is_another_dish({"name": name}, {"name": shown})
