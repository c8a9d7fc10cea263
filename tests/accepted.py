"""Accepted events between rows, which a test writes down, and the table that Palate holds them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.domain.preferences.contract import TABLES, Stored
from components.domain.preferences.events import Collected, RawRow
from components.domain.preferences.limits import Limits
from components.integrations import event_sources
from components.integrations.sources.batches import Rows
from components.integrations.sources.intake import take_in


def events_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the contract gives them, as a table."""
    return pa.Table.from_pylist(list(rows), event_sources.no_events().schema)


def stored_events(folder: Path) -> list[dict[str, Any]]:
    """The accepted events in a folder as rows."""
    rows: list[dict[str, Any]] = event_sources.read_events(folder).to_pylist()
    return rows


def accept(incoming: Mapping[str, Iterable[RawRow]], stored: Stored, limits: Limits) -> Collected:
    """Takes rows in as a night does, with the events among the tables."""
    tables = {table: stored.get(table, []) for table in TABLES if table != "events"}
    earlier = events_of(stored.get("events", []))
    intake = take_in({table: rows_of(rows) for table, rows in incoming.items()}, tables, earlier, limits)
    return replace(intake.collected, tables={**intake.collected.tables, "events": intake.events.to_pylist()})


def rows_of(rows: Iterable[RawRow]) -> Rows:
    """Rows of one file as a source gives them."""
    listed = rows if isinstance(rows, Rows) else list(rows)
    return listed if isinstance(listed, Rows) else Rows.of(listed[0].file if listed else "", listed)
