"""Takes rows in: each row is accepted, a duplicate, quarantined, or dropped as a forgotten person's.

This covers single rows and the ids that they point at. Files are read by `integrations.event_sources`; volume
and expectations of whole tables are checked by `integrations.data_checks`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from components.domain.preferences.contract import KEYS, TABLES, Stored, columns, nfc
from components.domain.preferences.limits import Limits
from components.domain.preferences.references import Ids, NotAcceptable
from components.domain.preferences.refused_text import names_one_of
from components.domain.preferences.reused_ids import former_id, is_another_dish, keep_former

_VALUE = re.compile(r"'[^']*'|(?<!\w)-?\d[\w.:+-]*")


@dataclass(frozen=True)
class RawRow:
    """A row as a file holds it, and where it stands.

    Attributes:
        file: Name of the file.
        line: Number of the row, from 1 without the header.
        values: Values by column.
        problem: Why the file's format could not be read at this row; empty where it could.
    """

    file: str
    line: int
    values: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class Quarantined:
    """A row that broke the contract, kept whole with the reason."""

    table: str
    file: str
    line: int
    reason: str
    row: str


def by_reason(rows: Iterable[Quarantined]) -> list[tuple[str, list[Quarantined]]]:
    """Groups quarantined rows by reason, ignoring the values in it; the most frequent reason comes first."""
    groups: dict[tuple[str, str], list[Quarantined]] = {}
    for row in rows:
        groups.setdefault((row.table, _VALUE.sub("…", row.reason)), []).append(row)
    return sorted(((key[1], each) for key, each in groups.items()), key=lambda group: -len(group[1]))


@dataclass
class Counts:
    """What became of the rows of one table; `rows_in` is always the sum of the other counts."""

    rows_in: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    forgotten: int = 0


@dataclass
class Collected:
    """The tables after tonight's rows, what became of the rows, and the quarantined ones.

    `former` lists the new ids of dishes whose old ids other dishes took over tonight.
    """

    tables: Stored
    counts: dict[str, Counts] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    former: list[str] = field(default_factory=list)


def accept(incoming: Mapping[str, Iterable[RawRow]], stored: Stored, limits: Limits) -> Collected:
    """Adds incoming rows to the stored tables, by the contract.

    Args:
        incoming: Raw rows by table name; tables that are absent tonight may be left out. Without a table of
            people tonight, events may be about anybody, even if earlier nights had such a table.
        stored: Rows that earlier nights accepted, by table name. They are not changed.
        limits: Limits of what rows may say.
    """
    collected = Collected({table: list(stored.get(table, [])) for table in TABLES})
    for table in TABLES:  # in this order, so that events find the dishes and menus they point at
        people = collected.tables["people"] if "people" in incoming else []
        ids = Ids({**collected.tables, "people": people}, limits)
        intake = _Intake(table, collected.tables[table], ids)
        for raw in incoming.get(table, ()):
            reason = intake.why_quarantined(raw)
            if reason:
                text = json.dumps(dict(raw.values), default=str, ensure_ascii=False)
                collected.quarantined.append(Quarantined(table, raw.file, raw.line, reason, text))
        collected.counts[table] = intake.counts
        for former in intake.former:
            keep_former(collected.tables, former, limits.latest.date())
        collected.former += [former_id(row) for row in intake.former]
        collected.tables[table].sort(key=intake.key)
    return collected


class _Intake:
    """Sorts the rows of one table.

    Events never change; a dish, person or menu may, but not within one night.
    """

    def __init__(self, table: str, rows: list[dict[str, Any]], ids: Ids) -> None:
        self.table, self.rows, self.ids = table, rows, ids
        self.counts = Counts()
        self.index = {self.key(row): position for position, row in enumerate(rows)}
        self.tonight: set[tuple[str, ...]] = set()
        self.former: list[dict[str, Any]] = []  # dishes whose ids other dishes have from tonight on

    def key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(row[name] for name in KEYS[self.table])

    def why_quarantined(self, raw: RawRow) -> str | None:
        """Takes in one row and counts it; returns the reason if it is quarantined, else None."""
        self.counts.rows_in += 1
        if self._is_forgotten(raw):
            self.counts.forgotten += 1
            return None
        try:
            row = self._of_its_time(_parse(self.table, raw))
            if not self._is_stored(row):  # what was accepted stays so, whatever other tables say tonight
                self.ids.check(self.table, row)
            self._insert(row)
        except (NotAcceptable, ValidationError) as error:
            self.counts.quarantined += 1
            return _reason(error)
        return None

    def _is_forgotten(self, raw: RawRow) -> bool:
        return bool(self.ids.limits.forgotten) and names_one_of(self.ids.limits.forgotten, raw.values)

    def _of_its_time(self, row: dict[str, Any]) -> dict[str, Any]:
        """Points a row to the former dish that it meant, where another dish has taken that dish's id.

        A row means the former dish if it was stored with it before, or if it names a menu that offered the
        former dish and not the new one.
        """
        former = self.ids.former.get(row.get("dish_id", ""), ())
        if not former or self.table == "dishes":
            return row
        stored = self.index.get(self.key(row))
        on_menu = self.ids.menus.get(row["menu_id"], set())
        for dish in former:
            then = {**row, "dish_id": dish}
            was_stored = stored is not None and self.rows[stored]["dish_id"] == dish
            if was_stored or (dish in on_menu and row["dish_id"] not in on_menu):
                return then
        return row

    def _is_stored(self, row: dict[str, Any]) -> bool:
        position = self.index.get(self.key(row))
        return position is not None and self.rows[position] == row

    def _insert(self, row: dict[str, Any]) -> None:
        key = self.key(row)
        position = self.index.get(key)
        if position is None:
            self.index[key] = len(self.rows)
            self.rows.append(row)
            self.counts.accepted += 1
        elif self.rows[position] == row:
            self.counts.duplicates += 1
        elif self.table == "events" or key in self.tonight:
            raise NotAcceptable(
                f"{'/'.join(KEYS[self.table])} '{'/'.join(key)}' already names a different row"
            )
        else:
            if self.table == "dishes" and is_another_dish(self.rows[position], row):
                self.former.append(self.rows[position])
            self.rows[position] = row
            self.counts.accepted += 1
        self.tonight.add(key)


def _parse(table: str, raw: RawRow) -> dict[str, Any]:
    if raw.problem:
        raise NotAcceptable(raw.problem)
    filled = {name: nfc(value) for name, value in raw.values.items() if value is not None and value != ""}
    row = TABLES[table].model_validate(filled).model_dump()
    if table == "events" and not row["event_id"]:
        row["event_id"] = content_id(row)
    return row


def content_id(event: Mapping[str, Any]) -> str:
    """Hashes an event without an id of its own to an id; equal events get equal ids.

    Args:
        event: All columns in the contract's types.
    """
    content = [str(event[name]) for name in columns("events") if name != "event_id"]
    return hashlib.sha256("\x1f".join(content).encode()).hexdigest()[:16]


def event_id_of(raw: RawRow) -> str | None:
    """Computes the id that an event will have once it is accepted; None if the row breaks the contract."""
    try:
        return str(_parse("events", raw)["event_id"])
    except (NotAcceptable, ValidationError):
        return None


def _reason(error: NotAcceptable | ValidationError) -> str:
    if isinstance(error, NotAcceptable):
        return str(error)
    parts = []
    for detail in error.errors(include_url=False):
        column = ".".join(str(part) for part in detail["loc"][:1])
        got = "" if detail["type"] == "missing" else f", got {detail['input']!r}"
        parts.append(f"{column}: {detail['msg'].lower()}{got}")
    return "; ".join(parts)
