"""CSV as rows: whatever is wrong in one line, the others are read."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.domain.errors import DataRejected
from components.domain.preferences.events import RawRow
from components.domain.preferences.refused_text import LINE, MORE_CELLS
from components.integrations.sources.batches import Batch, Rows

ROWS_AT_ONCE = 50_000  # that are Python's values at one time
LONGEST_CELL = 131_072  # letters
SEPARATORS = {";": "';'", "\t": "a tab"}  # of other programs, that stand between cells in the place of commas
_OPEN = "a quote is opened in the line and not closed, so nobody can tell its cells"
csv.field_size_limit(sys.maxsize)  # else one long cell would end the reading of its file


def check_header(path: str, names: Sequence[str]) -> None:
    """Checks that each column is there once.

    Raises:
        DataRejected: One is there twice.
    """
    twice = sorted(name for name, count in Counter(names).items() if count > 1 and name.strip())
    if twice:
        raise DataRejected(f"{path} has the column '{twice[0]}' twice: keep the one that is meant.")


def csv_rows(path: str, content: str) -> Rows:
    """Reads the rows behind the header.

    A line in which a quote is left open is a row with a problem; the lines behind it are read by themselves.

    Args:
        path: Of the file, for messages; its last part names the rows' file.
        content: All of it.

    Raises:
        DataRejected: A column is there twice, a quote is left open in the header, or the content is UTF-16 or
            of cells between which no comma stands.
    """
    try:
        return _rows(path, csv.reader(io.StringIO(content, newline=""), strict=True))
    except csv.Error:  # from here on line by line, which is slower
        return _rows(path, _mended(content))


def _rows(path: str, records: Iterator[Sequence[str] | str]) -> Rows:
    """Builds rows from records: a list of cells each, or a line that cannot be split."""
    header, file = next(records, []), path.rpartition("/")[2]
    _check_form(path, header)
    if isinstance(header, str):
        raise DataRejected(
            f"{path} has a quote in its header that is not closed ({header[:200]!r}): close it."
        )
    check_header(path, header)
    rows, first = Rows(files=[file]), 1
    filled = (record for record in records if record)
    while part := list(islice(filled, ROWS_AT_ONCE)):
        rows.extend(_batch(file, header, list(enumerate(part, first))))
        first += len(part)
    return rows


def _check_form(path: str, header: Sequence[str]) -> None:
    """Checks that the header, its cells or its line, is that of a file in UTF-8 with commas."""
    if "\0" in "".join(header):
        raise DataRejected(f"{path} is UTF-16: save it as UTF-8, or set collect.encoding to utf-16.")
    for separator, name in SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise DataRejected(f"{path}: its cells are separated by {name}: save it with commas.")


def _mended(content: str) -> Iterator[Sequence[str] | str]:
    """Yields the cells of each row; a line with an open quote is yielded whole."""
    lines = _Lines(io.StringIO(content, newline=""))
    while True:
        reader, lines.latest = csv.reader(lines, strict=True), []
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            opened, *others = lines.latest
            lines.again(others)
            yield opened.rstrip("\r\n") if others or _is_open(opened) else next(csv.reader([opened]))


def _is_open(line: str) -> bool:
    """Tells whether a quote is still open at the end of a line."""
    return len(list(csv.reader([line, "another line"]))) == 1


class _Lines:
    """Lines of a file, with those that were read for the latest row, which may be read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.rest, self.latest, self.before = iter(lines), list[str](), deque[str]()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.before.popleft() if self.before else next(self.rest)
        self.latest.append(line)
        return line

    def again(self, lines: Sequence[str]) -> None:
        """Reads these lines before the others."""
        self.before.extendleft(reversed(lines))


def _batch(file: str, header: Sequence[str], records: Sequence[tuple[int, Sequence[str] | str]]) -> Rows:
    """Builds rows from cells; cells that a row lacks at its end are empty."""
    width, broken = len(header), list[RawRow]()
    whole: list[tuple[int, Sequence[str]]] = []
    for line, cells in records:
        if isinstance(cells, str):
            broken.append(RawRow(file, line, {LINE: cells}, _OPEN))
        elif len(cells) > width:
            values = {**dict(zip(header, cells, strict=False)), MORE_CELLS: cells[width:]}
            broken.append(RawRow(file, line, values, "it has more cells than the header has columns"))
        else:
            whole.append((line, cells))
    if not whole:
        return Rows([], broken)
    by_column = zip(*([*row, *[""] * (width - len(row))] for _, row in whole), strict=True)
    texts = (pa.chunked_array([pa.array(cells, pa.string())]) for cells in by_column)
    lines = np.array([line for line, _ in whole], np.int64)
    return _without_long_cells(Batch(file, lines, dict(zip(header, texts, strict=False))), broken)


def _without_long_cells(batch: Batch, broken: list[RawRow]) -> Rows:
    """Moves rows whose cells are too long to the broken ones."""
    is_long = np.zeros(len(batch.lines), bool)
    for column in batch.columns.values():
        is_long |= np.array(pc.greater(pc.utf8_length(column), LONGEST_CELL))
    if not is_long.any():
        return Rows([batch], broken)
    problem = f"it has a cell of more than {LONGEST_CELL:,} letters"
    broken += (replace(row, problem=problem) for row in batch.take(np.flatnonzero(is_long)).rows())
    return Rows([] if is_long.all() else [batch.take(np.flatnonzero(~is_long))], broken)
