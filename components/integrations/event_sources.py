"""Tables as files: the accepted ones in Parquet, and the quarantine in JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.preferences.contract import TABLES, Stored, columns
from components.domain.preferences.events import Quarantined
from components.files import replace_text

WATERMARKS = "watermarks.json"  # beside the tables, so that an older version of the data has its own
_NUMBER = pa.float64()
_TEXTS = pa.list_(pa.string())
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("tags", "ingredients", "allergens", "allergies", "avoids"), _TEXTS),
    **dict.fromkeys(
        (
            "serving_g",
            "kcal",
            "protein_g",
            "fat_g",
            "saturated_g",
            "carbs_g",
            "sugars_g",
            "fibre_g",
            "sodium_mg",
        ),
        _NUMBER,
    ),
    "value": _NUMBER,
    "served_on": pa.date32(),
    "occurred_at": pa.timestamp("us", tz="UTC"),
}


def read_tables(folder: Path) -> Stored:
    """The accepted tables in a folder; a table without a file is empty."""
    stored: Stored = {}
    for table in TABLES:
        path = folder / f"{table}.parquet"
        stored[table] = _with_tuples(pq.read_table(path).to_pylist()) if path.exists() else []
    return stored


def _with_tuples(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with tuples in the place of lists, as the contract gives them."""
    lists = [name for name in (rows[0] if rows else ()) if _TYPES.get(name) == _TEXTS]
    for row in rows if lists else ():
        row.update({name: tuple(row[name]) for name in lists if row[name] is not None})
    return rows


def write_tables(folder: Path, tables: Stored) -> None:
    """Writes the accepted tables, each file whole or not at all; equal tables give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in columns(table)])
        partial = folder.parent / f".{table}.partial"
        pq.write_table(pa.Table.from_pylist(rows, schema), partial)
        partial.replace(folder / f"{table}.parquet")


def read_watermarks(folder: Path) -> dict[str, str]:
    """From where the next reading of the source goes on; kept with the tables that it gave."""
    path = folder / WATERMARKS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write_watermarks(folder: Path, watermarks: Mapping[str, str]) -> None:
    """Writes them, or nothing where there are none."""
    if watermarks:
        replace_text(folder / WATERMARKS, json.dumps(watermarks, sort_keys=True) + "\n")


def add_to_quarantine(folder: Path, rows: Iterable[Quarantined]) -> int:
    """Adds rows to `folder/TABLE.jsonl`, without those that it holds already.

    Returns:
        Number of rows that were added.
    """
    folder.mkdir(parents=True, exist_ok=True)  # also without rows, since DVC tracks the folder
    new = 0
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(vars(row))
    for table, entries in by_table.items():
        path = folder / f"{table}.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        stored = [json.loads(line) for line in text.split("\n") if line]
        # In ASCII no row holds what ends a line elsewhere, or half a character.
        lines = dict.fromkeys(json.dumps(entry) for entry in (*stored, *entries))
        new += len(lines) - len(stored)
        replace_text(path, "".join(f"{line}\n" for line in lines))
    return new


def remove_from_quarantine(folder: Path, concerns: Callable[[Mapping[str, Any]], bool]) -> int:
    """Removes rows from the quarantine.

    Args:
        folder: Of the quarantine.
        concerns: Whether a row goes, given its values by column.

    Returns:
        Number of rows that were removed.
    """
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
        rest = [line for line in lines if not concerns(json.loads(json.loads(line)["row"]))]
        removed += len(lines) - len(rest)
        replace_text(path, "".join(f"{line}\n" for line in rest))
    return removed


def people_of(events: Path) -> set[str]:
    """Everybody in a file of events."""
    return set(pq.read_table(events, columns=["person_id"]).column(0).unique().to_pylist())
