"""Where rows come from and where they are kept: CSV, Parquet and JSON Lines files in folders."""

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
    """Reads every table that the inbox holds, as `NAME.csv` or `NAME-anything.csv` (or .parquet, .jsonl).

    Raises:
        DataRejected: No such folder, no events or dishes in it, or a file that cannot be read as its table.
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
        found = ", ".join(sorted(path.name for path in inbox.iterdir())) or "nothing"
        raise DataRejected(
            f"The inbox '{inbox}' holds no events (found: {found}): put events.csv, .parquet or .jsonl there."
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
    unknown = sorted(present - set(columns(table)))
    if unknown:
        logger.warning("%s: columns outside the contract are kept out: %s", path.name, ", ".join(unknown))
    keep = set(columns(table))
    return [
        RawRow(path.name, line, {name: value for name, value in values.items() if name in keep})
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
    """The accepted tables of earlier nights; empty tables where there are none yet."""
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
    """Writes the accepted tables; equal tables give equal bytes.

    Each file is replaced whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in columns(table)])
        partial = folder.parent / f".{table}.partial"
        pq.write_table(pa.Table.from_pylist(rows, schema), partial)
        partial.replace(folder / f"{table}.parquet")


def add_to_quarantine(folder: Path, rows: Iterable[Quarantined]) -> int:
    """Adds rows to `folder/TABLE.jsonl`, each once however often it comes in.

    Returns the number of new rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(vars(row))
    for table, entries in by_table.items():
        path = folder / f"{table}.jsonl"
        known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        lines = dict.fromkeys([*known, *(json.dumps(entry, ensure_ascii=False) for entry in entries)])
        new += len(lines) - len(known)
        partial = path.with_suffix(".partial")
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        partial.replace(path)
    return new
