"""Tables as files: the inbox in CSV, Parquet or JSON Lines, the accepted tables, and the quarantine."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.errors import DataRejected
from components.domain.preferences.contract import TABLES, Stored, columns, required_columns
from components.domain.preferences.events import Quarantined, RawRow
from components.files import replace_text

logger = logging.getLogger(__name__)

FORMATS = (".csv", ".parquet", ".jsonl")
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


def read_inbox(inbox: Path) -> dict[str, list[RawRow]]:
    """Reads all rows of the inbox by table.

    A table's files are `TABLE.csv` and `TABLE-anything.csv`, or the same with .parquet or .jsonl. Columns
    outside the contract are left out, with a warning.

    Args:
        inbox: Folder with the user's files.

    Raises:
        DataRejected: The folder does not exist or holds no events, or a file cannot be read as its table.
    """
    if not inbox.is_dir():
        raise DataRejected(
            f"The inbox '{inbox}' is not a folder: make it, or set collect.inbox in params.yaml."
        )
    tables: dict[str, list[RawRow]] = {}
    for path in sorted(inbox.iterdir()):
        table = path.name.split(".")[0].split("-")[0]
        if table in TABLES and path.suffix in FORMATS:
            tables.setdefault(table, []).extend(_read(table, path))
    if not tables.get("events"):
        names = ", ".join(sorted(path.name for path in inbox.iterdir())) or "nothing"
        raise DataRejected(
            f"The inbox '{inbox}' holds no events (found: {names}): put events.csv, .parquet or .jsonl there."
        )
    return tables


def _read(table: str, path: Path) -> list[RawRow]:
    rows = {".csv": _read_csv, ".parquet": _read_parquet, ".jsonl": _read_jsonl}[path.suffix](path)
    present = {name for _, values in rows for name in values}
    missing = [name for name in required_columns(table) if name not in present]
    if rows and missing:
        raise DataRejected(
            f"{path} has no column {', '.join(missing)} (it has: {', '.join(sorted(present))}): "
            f"{table} need {', '.join(required_columns(table))}."
        )
    in_contract = set(columns(table))
    unknown = sorted(present - in_contract)
    if unknown:
        logger.warning("%s: columns outside the contract are kept out: %s", path.name, ", ".join(unknown))
    return [
        RawRow(path.name, line, {name: value for name, value in values.items() if name in in_contract})
        for line, values in rows
    ]


def _read_csv(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="(more cells than columns)", restval="")
            return [
                (line, {str(name): value for name, value in row.items()})
                for line, row in enumerate(reader, 1)
            ]
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}): "
            "save it as UTF-8 and run the night again."
        ) from error
    except csv.Error as error:
        raise DataRejected(f"{path} cannot be read as CSV ({error}): write it again.") from error


def _read_parquet(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        return list(enumerate(pq.read_table(path).to_pylist(), 1))
    except (pa.ArrowException, OSError) as error:
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error


def _read_jsonl(path: Path) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    try:
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if text.strip():
                row = json.loads(text)
                if not isinstance(row, dict):
                    raise DataRejected(
                        f"{path} line {line} is {text[:60]!r}: each line must be a JSON object."
                    )
                rows.append((line, row))
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 ({error.reason} at offset {error.start}): save it as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise DataRejected(f"{path} line {line} is not JSON ({error.msg}): correct the line.") from error
    return rows


def read_tables(folder: Path) -> Stored:
    """The accepted tables in a folder; a table without a file is empty."""
    stored: Stored = {}
    for table in TABLES:
        path = folder / f"{table}.parquet"
        stored[table] = _tuples(pq.read_table(path).to_pylist()) if path.exists() else []
    return stored


def _tuples(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
        for row in rows
    ]


def write_tables(folder: Path, tables: Stored) -> None:
    """Writes the accepted tables, each file whole or not at all; equal tables give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in columns(table)])
        partial = folder.parent / f".{table}.partial"
        pq.write_table(pa.Table.from_pylist(rows, schema), partial)
        partial.replace(folder / f"{table}.parquet")


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
