"""The inbox: a user's tables as files in CSV, JSON Lines (both also gzipped) or Parquet."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import logging
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.contract import TABLES, columns, required_columns
from components.domain.preferences.events import RawRow

logger = logging.getLogger(__name__)

FORMATS = ("csv", "jsonl", "parquet", "csv.gz", "jsonl.gz")
_MORE_CELLS = "(more cells than columns)"
Names = Mapping[str, Mapping[str, str]]  # by table: the user's name of a column, by the contract's


def read_inbox(inbox: Path, names: Names | None = None) -> dict[str, list[RawRow]]:
    """Reads all rows of the inbox by table.

    A table's files are `TABLE.csv` and `TABLE-anything.csv`, or the same with another of FORMATS. Columns
    outside the contract are left out, with a warning.

    Args:
        inbox: Folder with the user's files.
        names: The user's names of columns where they are not the contract's.

    Raises:
        BadParams: A name is of no column of the contract.
        DataRejected: The folder does not exist or holds no events, or a file cannot be read as its table.
    """
    _check_names(names or {})
    if not inbox.is_dir():
        raise DataRejected(
            f"The inbox '{inbox}' is not a folder: make it, or set collect.inbox in params.yaml."
        )
    tables: dict[str, list[RawRow]] = {}
    for path in sorted(inbox.iterdir()):
        stem, _, form = path.name.partition(".")
        table = stem.split("-")[0]
        if table in TABLES and form in FORMATS:
            tables.setdefault(table, []).extend(_read(table, path, form, (names or {}).get(table, {})))
    if not tables.get("events"):
        files = ", ".join(sorted(path.name for path in inbox.iterdir())) or "nothing"
        raise DataRejected(
            f"The inbox '{inbox}' holds no events (found: {files}): put events.csv, .jsonl or .parquet there."
        )
    return tables


def _check_names(names: Names) -> None:
    for table, columns_of in names.items():
        if table not in TABLES:
            raise BadParams(f"collect.columns names the table '{table}': it may name {', '.join(TABLES)}.")
        unknown = sorted(columns_of.keys() - set(columns(table)))
        if unknown:
            raise BadParams(f"collect.columns.{table} names '{unknown[0]}', which {table} do not have.")


def _read(table: str, path: Path, form: str, names: Mapping[str, str]) -> list[RawRow]:
    try:
        content = path.read_bytes()
        if form.endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataRejected(f"{path} cannot be read ({reason}): mend it or take it out.") from error
    read = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[form.removesuffix(".gz")]
    return _in_contract(table, path, [_renamed(table, row, names) for row in read(path, content)], names)


def _renamed(table: str, row: RawRow, names: Mapping[str, str]) -> RawRow:
    """The row with the contract's names of its columns."""
    if row.problem or not names:
        return row
    renamed = names.keys() | (set(names.values()) - set(columns(table)))
    values = {name: value for name, value in row.values.items() if name not in renamed}
    ours = {name: row.values[theirs] for name, theirs in names.items() if theirs in row.values}
    return replace(row, values=values | ours)


def _in_contract(table: str, path: Path, rows: list[RawRow], names: Mapping[str, str]) -> list[RawRow]:
    """The rows without columns outside the contract.

    Raises:
        DataRejected: A column that the contract needs is not there.
    """
    good = [row for row in rows if not row.problem]
    present = {name for row in good for name in row.values}
    missing = [name for name in required_columns(table) if name not in present]
    if good and missing:
        theirs = (
            f"{names[name]} (of {name}, in collect.columns)" if name in names else name for name in missing
        )
        raise DataRejected(
            f"{path} has no column {', '.join(theirs)} (it has: {', '.join(sorted(present))}): "
            f"{table} need {', '.join(required_columns(table))}; collect.columns may give them other names."
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


def _read_csv(path: Path, content: bytes) -> list[RawRow]:
    try:
        reader = csv.DictReader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), restkey=_MORE_CELLS, restval=""
        )
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


def _read_parquet(path: Path, content: bytes) -> list[RawRow]:
    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except pa.ArrowException as error:
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error
    return [RawRow(path.name, line, row) for line, row in enumerate(rows, 1)]


def _read_jsonl(path: Path, content: bytes) -> list[RawRow]:
    """One object a line; only a line feed ends a line, whatever else Unicode calls a line's end."""
    lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
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
