"""Tables as files: the inbox in CSV, Parquet or JSON Lines, the accepted tables, and the quarantine."""

from __future__ import annotations

import codecs
import csv
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
_MORE_CELLS = "(more cells than columns)"
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
    try:
        rows = {".csv": _read_csv, ".parquet": _read_parquet, ".jsonl": _read_jsonl}[path.suffix](path)
    except OSError as error:
        raise DataRejected(
            f"{path} cannot be read ({error.strerror or error}): mend it or take it out."
        ) from error
    good = [row for row in rows if not row.problem]
    present = {name for row in good for name in row.values}
    missing = [name for name in required_columns(table) if name not in present]
    if good and missing:
        raise DataRejected(
            f"{path} has no column {', '.join(missing)} (it has: {', '.join(sorted(present))}): "
            f"{table} need {', '.join(required_columns(table))}."
        )
    in_contract = set(columns(table))
    unknown = sorted(present - in_contract)
    if unknown:
        logger.warning("%s: columns outside the contract are kept out: %s", path.name, ", ".join(unknown))
    return [
        replace(row, values={name: value for name, value in row.values.items() if name in in_contract})
        if not row.problem
        else row
        for row in rows
    ]


def _read_csv(path: Path) -> list[RawRow]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=_MORE_CELLS, restval="")
            _check_header(path, reader.fieldnames or [])
            return [_csv_row(path.name, line, row) for line, row in enumerate(reader, 1)]
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}): "
            "save it as UTF-8 and run the night again."
        ) from error
    except csv.Error as error:
        raise DataRejected(f"{path} cannot be read as CSV ({error}): write it again.") from error


def _check_header(path: Path, names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataRejected(f"{path} has the column '{twice[0]}' twice: keep the one that is meant.")


def _csv_row(file: str, line: int, row: dict[str, Any]) -> RawRow:
    problem = "it has more cells than the header has columns" if _MORE_CELLS in row else ""
    return RawRow(file, line, row, problem)


def _read_parquet(path: Path) -> list[RawRow]:
    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error
    return [RawRow(path.name, line, row) for line, row in enumerate(rows, 1)]


def _read_jsonl(path: Path) -> list[RawRow]:
    """One object a line; only a line feed ends a line, whatever else Unicode calls a line's end."""
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    return [_json_row(path.name, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _json_row(file: str, number: int, line: bytes) -> RawRow:
    """A row; what is no JSON object has no values but its text."""
    text = line.decode("utf-8", "backslashreplace")
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return RawRow(file, number, {"line": text}, f"the line is not UTF-8 (at its byte {error.start})")
    except json.JSONDecodeError as error:
        return RawRow(file, number, {"line": text}, f"the line is not JSON ({error.msg})")
    except (
        ValueError,
        RecursionError,
    ) as error:  # a number of thousands of digits, a list in a list in a list…
        return RawRow(
            file, number, {"line": text}, f"the line is JSON that nobody means ({type(error).__name__})"
        )
    if not isinstance(row, dict):
        return RawRow(file, number, {"line": text}, "the line is no JSON object")
    return RawRow(file, number, row)


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
