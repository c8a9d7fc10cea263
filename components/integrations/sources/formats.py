"""Files of a table: CSV, JSON Lines (both also gzipped) or Parquet, as rows."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.errors import DataRejected
from components.domain.preferences.events import RawRow
from components.domain.preferences.refused_text import LINE, MORE_CELLS
from components.integrations.sources.batches import Batch, Rows

FORMATS = ("csv", "jsonl", "parquet", "csv.gz", "jsonl.gz")
ROWS_AT_ONCE = 50_000  # that are Python's values at one time


def read_file(path: str, content: bytes, form: str) -> Rows:
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


def _read_csv(path: str, content: bytes) -> Rows:
    try:
        cells = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = next(cells, [])
        _check_header(path, header)
        rows, first = Rows(files=[_name(path)]), 1
        filled = (row for row in cells if row)
        while part := list(islice(filled, ROWS_AT_ONCE)):
            rows.extend(_csv_rows(_name(path), header, part, first))
            first += len(part)
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}): "
            "save it as UTF-8 and run the night again."
        ) from error
    except csv.Error as error:
        raise DataRejected(f"{path} cannot be read as CSV ({error}): write it again.") from error
    return rows


def _check_header(path: str, names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataRejected(f"{path} has the column '{twice[0]}' twice: keep the one that is meant.")


def _csv_rows(file: str, header: Sequence[str], rows: Sequence[Sequence[str]], first: int) -> Rows:
    """Rows of cells; cells that a row lacks at its end are empty."""
    width, problem = len(header), "it has more cells than the header has columns"
    odd = [
        RawRow(file, line, {**dict(zip(header, row, strict=False)), MORE_CELLS: row[width:]}, problem)
        for line, row in enumerate(rows, first)
        if len(row) > width
    ]
    whole = [(line, row) for line, row in enumerate(rows, first) if len(row) <= width]
    cells = zip(*([*row, *[""] * (width - len(row))] for _, row in whole), strict=True)
    columns = {name: pa.array(column, pa.string()) for name, column in zip(header, cells, strict=False)}
    lines = np.array([line for line, _ in whole], np.int64)
    return Rows([Batch(file, lines, pa.table(columns))] if whole else [], odd)


def _read_parquet(path: str, content: bytes) -> Rows:
    try:
        columns = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error
    _check_header(path, columns.column_names)
    return Rows([Batch(_name(path), np.arange(1, len(columns) + 1), columns)], files=[_name(path)])


def _read_jsonl(path: str, content: bytes) -> Rows:
    """One object a line; only a line feed ends a line, whatever else Unicode calls a line's end."""
    file, rows = _name(path), Rows(files=[_name(path)])
    parsed = (_json_row(file, number, line) for number, line in _lines(content) if line.strip())
    while part := list(islice(parsed, ROWS_AT_ONCE)):
        rows.extend(Rows.of(file, part))
    return rows


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    lines = io.BytesIO(content.removeprefix(codecs.BOM_UTF8))
    return ((number, line.removesuffix(b"\n")) for number, line in enumerate(lines, 1))


def _json_row(file: str, number: int, line: bytes) -> RawRow:
    """A row; what is no JSON object has no values but its text."""
    text = line.decode("utf-8", "backslashreplace")
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return RawRow(file, number, {LINE: text}, f"the line is not UTF-8 (at its byte {error.start})")
    except json.JSONDecodeError as error:
        return RawRow(file, number, {LINE: text}, f"the line is not JSON ({error.msg})")
    except (
        ValueError,
        RecursionError,
    ) as error:  # a number of thousands of digits, a list in a list in a list…
        return RawRow(
            file, number, {LINE: text}, f"the line is JSON that nobody means ({type(error).__name__})"
        )
    if not isinstance(row, dict):
        return RawRow(file, number, {LINE: text}, "the line is no JSON object")
    return RawRow(file, number, row)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
