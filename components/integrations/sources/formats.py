"""Files of a table: CSV, JSON Lines (both also gzipped) or Parquet, as rows."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.errors import DataRejected
from components.domain.preferences.events import RawRow

FORMATS = ("csv", "jsonl", "parquet", "csv.gz", "jsonl.gz")
_MORE_CELLS = "(more cells than columns)"


def read_file(path: str, content: bytes, form: str) -> list[RawRow]:
    """The rows of a file.

    Args:
        path: Where it lies, for messages; its last part names the rows' file.
        content: Its bytes.
        form: One of FORMATS.

    Raises:
        DataRejected: The bytes are of another format.
    """
    if form.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataRejected(f"{path} cannot be read ({error}): mend it or take it out.") from error
    read = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[form.removesuffix(".gz")]
    return read(path, content)


def _read_csv(path: str, content: bytes) -> list[RawRow]:
    try:
        reader = csv.DictReader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), restkey=_MORE_CELLS, restval=""
        )
        _check_header(path, reader.fieldnames or [])
        return [_csv_row(_name(path), line, row) for line, row in enumerate(reader, 1)]
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}): "
            "save it as UTF-8 and run the night again."
        ) from error
    except csv.Error as error:
        raise DataRejected(f"{path} cannot be read as CSV ({error}): write it again.") from error


def _check_header(path: str, names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataRejected(f"{path} has the column '{twice[0]}' twice: keep the one that is meant.")


def _csv_row(file: str, line: int, row: dict[str, Any]) -> RawRow:
    problem = "it has more cells than the header has columns" if _MORE_CELLS in row else ""
    return RawRow(file, line, row, problem)


def _read_parquet(path: str, content: bytes) -> list[RawRow]:
    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except pa.ArrowException as error:
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error
    return [RawRow(_name(path), line, row) for line, row in enumerate(rows, 1)]


def _read_jsonl(path: str, content: bytes) -> list[RawRow]:
    """One object a line; only a line feed ends a line, whatever else Unicode calls a line's end."""
    lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
    return [_json_row(_name(path), number, line) for number, line in enumerate(lines, 1) if line.strip()]


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


def _name(path: str) -> str:
    return path.rpartition("/")[2]
