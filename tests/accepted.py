"""Accepted events between rows, which a test writes down, and the table that Palate holds them in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.integrations import event_sources


def events_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the contract gives them, as a table."""
    return pa.Table.from_pylist(list(rows), event_sources.no_events().schema)


def stored_events(folder: Path) -> list[dict[str, Any]]:
    """The accepted events in a folder as rows."""
    rows: list[dict[str, Any]] = event_sources.read_events(folder).to_pylist()
    return rows
