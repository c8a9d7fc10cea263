"""Takes rows in: each row is accepted, a duplicate, quarantined, or dropped as a forgotten person's.

This covers dishes, people and menus, which are small tables, and why the contract refuses a row of any table.
Events are taken in by columns, in `integrations.sources.intake`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from components.domain.preferences.contract import KEYS, TABLES, Stored, columns, nfc
from components.domain.preferences.limits import Limits
from components.domain.preferences.refused_text import names_one_of
from components.domain.preferences.reused_ids import MenuIndex, former_id, is_another_dish, keep_former

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
    """Adds incoming rows of dishes, people and menus to the stored tables, by the contract.

    Args:
        incoming: Raw rows by table name; tables that are absent tonight may be left out.
        stored: Rows that earlier nights accepted, by table name. They are not changed.
    """
    tables = [table for table in TABLES if table != "events"]  # in this order: menus point at dishes
    collected = Collected({table: list(stored.get(table, [])) for table in tables})
    for table in tables:
        intake = _Intake(table, collected.tables)
        for raw in incoming.get(table, ()):
            reason = intake.why_quarantined(raw, limits.forgotten)
            if reason:
                collected.quarantined.append(quarantined(table, raw, reason))
        collected.counts[table] = intake.counts
        for former in intake.former:
            keep_former(collected.tables, former, limits.latest.date())
        collected.former += [former_id(row) for row in intake.former]
        collected.tables[table].sort(key=intake.key)
    return collected


def quarantined(table: str, raw: RawRow, reason: str) -> Quarantined:
    """Keeps a refused row whole, as JSON."""
    text = json.dumps(dict(raw.values), default=str, ensure_ascii=False)
    return Quarantined(table, raw.file, raw.line, reason, text)


class NotAcceptable(ValueError):
    """Raised with the reason why a row goes to quarantine."""


class _Intake:
    """Sorts the rows of one table. A dish, person or menu may change, but not within one night."""

    def __init__(self, table: str, tables: Stored) -> None:
        self.table, self.rows, self.menus = table, tables[table], MenuIndex(tables)
        self.counts = Counts()
        self.index = {self.key(row): position for position, row in enumerate(self.rows)}
        self.tonight: set[tuple[str, ...]] = set()
        self.former: list[dict[str, Any]] = []  # dishes whose ids other dishes have from tonight on

    def key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(row[name] for name in KEYS[self.table])

    def why_quarantined(self, raw: RawRow, forgotten: Container[str]) -> str:
        """Takes in one row and counts it; returns the reason if it is quarantined, else an empty text."""
        self.counts.rows_in += 1
        if forgotten and names_one_of(forgotten, raw.values):
            self.counts.forgotten += 1
            return ""
        try:
            row = _parse(self.table, raw)
            self._insert(self._of_its_menu(row) if self.table == "menus" else row)
        except (NotAcceptable, ValidationError) as error:
            self.counts.quarantined += 1
            return _reason(error)
        return ""

    def _of_its_menu(self, row: dict[str, Any]) -> dict[str, Any]:
        """Points a row of a menu to the dish that it means; a stored row is not checked again."""
        row = {**row, "dish_id": self.menus.meant(row["dish_id"], row["menu_id"])}
        position = self.index.get(self.key(row))
        if position is None or self.rows[position] != row:
            self._check_menu(row)
        return row

    def _check_menu(self, row: Mapping[str, Any]) -> None:
        """Rejects unknown dishes, and a menu id of another day: choices would seem to be from this menu."""
        if row["dish_id"] not in self.menus.dishes:
            raise NotAcceptable(f"dish_id '{row['dish_id']}' is not in the dishes table")
        days = self.menus.days.setdefault(row["menu_id"], {row["served_on"]})
        if row["served_on"] not in days:
            raise NotAcceptable(
                f"menu_id '{row['menu_id']}' was served on {min(days)}: give the menu of {row['served_on']} "
                "another id"
            )

    def _insert(self, row: dict[str, Any]) -> None:
        key = self.key(row)
        position = self.index.get(key)
        if position is None:
            self.index[key] = len(self.rows)
            self.rows.append(row)
            self.counts.accepted += 1
        elif self.rows[position] == row:
            self.counts.duplicates += 1
        elif key in self.tonight:
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
    return TABLES[table].model_validate(filled).model_dump()


def content_id(event: Mapping[str, Any]) -> str:
    """Hashes an event without an id of its own to an id; equal events get equal ids.

    Args:
        event: All columns in the contract's types.
    """
    content = [str(event[name]) for name in columns("events") if name != "event_id"]
    return hashlib.sha256("\x1f".join(content).encode()).hexdigest()[:16]


def why_refused(table: str, raw: RawRow) -> str:
    """Says why the contract refuses a row by itself; empty where it does not."""
    try:
        _parse(table, raw)
    except (NotAcceptable, ValidationError) as error:
        return _reason(error)
    return ""


def _reason(error: NotAcceptable | ValidationError) -> str:
    if isinstance(error, NotAcceptable):
        return str(error)
    parts = []
    for detail in error.errors(include_url=False):
        column = ".".join(str(part) for part in detail["loc"][:1])
        got = "" if detail["type"] == "missing" else f", got {detail['input']!r}"
        parts.append(f"{column}: {detail['msg'].lower()}{got}")
    return "; ".join(parts)
