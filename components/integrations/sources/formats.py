"""Files of a table: CSV, JSON Lines (both also gzipped) or Parquet, as rows."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.domain.errors import DataRejected
from components.domain.preferences.events import RawRow
from components.domain.preferences.refused_text import LINE
from components.integrations.sources.batches import Batch, Rows
from components.integrations.sources.csv_files import ROWS_AT_ONCE, check_header, csv_rows

FORMATS = ("csv", "jsonl", "parquet", "csv.gz", "jsonl.gz")


def read_file(path: str, content: bytes, form: str, encoding: str = "utf-8") -> Rows:
    """Reads the rows of a file.

    Args:
        path: Where it lies, for messages; its last part names the rows' file.
        content: Its bytes.
        form: One of FORMATS.
        encoding: Of text.

    Raises:
        DataRejected: The bytes are of another format.
    """
    if form.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataRejected(f"{path} cannot be read ({error}): mend it or take it out.") from error
    if form != "parquet" and encoding != "utf-8":
        try:
            content = content.decode(encoding).encode()
        except (ValueError, LookupError) as error:  # the latter: Python knows no such encoding
            raise DataRejected(
                f"{path} is not {encoding} ({error}): set collect.encoding to what it is, such as cp1252."
            ) from error
    read = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[form.removesuffix(".gz")]
    return read(path, content)


def _read_csv(path: str, content: bytes) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataRejected(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}): "
            "save it as UTF-8, or set collect.encoding in params.yaml."
        ) from error
    return csv_rows(path, text)


def _read_parquet(path: str, content: bytes) -> Rows:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:  # a damaged page is the latter
        raise DataRejected(f"{path} is not a readable Parquet file ({error}): write it again.") from error
    check_header(path, table.column_names)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return Rows([Batch(_name(path), np.arange(1, len(table) + 1), columns)], files=[_name(path)])


def _read_jsonl(path: str, content: bytes) -> Rows:
    """Reads one object a line; only a line feed ends a line, whatever else Unicode calls a line's end."""
    file, rows = _name(path), Rows(files=[_name(path)])
    parsed = (_json_row(file, number, line) for number, line in _lines(content) if line.strip())
    while part := list(islice(parsed, ROWS_AT_ONCE)):
        rows.extend(Rows.of(file, part))
    return rows


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    lines = io.BytesIO(content.removeprefix(codecs.BOM_UTF8))
    return ((number, line.removesuffix(b"\n")) for number, line in enumerate(lines, 1))


def _json_row(file: str, number: int, line: bytes) -> RawRow:
    """Parses a line; a line that is not a JSON object keeps its text alone."""
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
