"""Rows of a table by columns, as far as many rows have the same ones; the others stand one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Self

import numpy as np
import pyarrow as pa

from components.domain.preferences.arrays import Ints
from components.domain.preferences.events import RawRow
from components.integrations.sources.cells import cells_at, values_of

_SIMPLE = {str, int, float, datetime, type(None)}  # types of which a column gives the same values back
FEWEST = 20  # rows with the same columns and types that make a batch


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one file that have the same columns and types.

    Attributes:
        file: Name of the file.
        lines: (N,) number of each row in the file.
        columns: N rows.
    """

    file: str
    lines: Ints
    columns: pa.Table

    def rows(self, index: Ints) -> list[RawRow]:
        """The rows at these positions, one by one."""
        names, lines = self.columns.column_names, self.lines[index].tolist()
        cells = zip(*(cells_at(column, index) for column in self.columns.columns), strict=True)
        return [
            RawRow(self.file, line, dict(zip(names, row, strict=True)))
            for line, row in zip(lines, cells, strict=True)
        ]


@dataclass
class Rows:
    """Rows of a table, of one file after the other.

    Attributes:
        batches: Rows by columns.
        odd: The other rows.
        files: Names in the order in which they are read.
    """

    batches: list[Batch] = field(default_factory=list)
    odd: list[RawRow] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, file: str, rows: Iterable[RawRow], fewest: int = FEWEST) -> Self:
        """Rows of one file; those with the same columns and types come into batches.

        Args:
            file: Name of the file.
            rows: In any number of shapes.
            fewest: Rows of one shape that make a batch.
        """
        shapes: dict[tuple[Any, ...], list[RawRow]] = {}
        result = cls(files=[file])
        for row in rows:
            types = tuple(map(type, row.values.values()))
            is_odd = row.problem or not _SIMPLE.issuperset(types) or _has_offset(row)
            (result.odd if is_odd else shapes.setdefault((*row.values, *types), [])).append(row)
        for some in shapes.values():
            if len(some) < fewest:
                result.odd += some
            else:
                result._add(file, some)
        return result

    def _add(self, file: str, rows: Sequence[RawRow]) -> None:
        try:
            columns = pa.Table.from_pylist([dict(row.values) for row in rows])
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):  # half a character, a huge number
            self.odd += rows
            return
        if columns.num_columns:
            self.batches.append(Batch(file, np.array([row.line for row in rows], np.int64), columns))
        else:
            self.odd += rows

    def extend(self, other: Rows) -> None:
        """Adds the rows of other files, or more of the same."""
        self.batches += other.batches
        self.odd += other.odd
        self.files += other.files

    def __len__(self) -> int:
        return sum(len(batch.lines) for batch in self.batches) + len(self.odd)

    def __iter__(self) -> Iterator[RawRow]:
        """Every row, in the order of files and lines."""
        every = (batch.rows(np.arange(len(batch.lines))) for batch in self.batches)
        return iter(self.in_order([*self.odd, *(row for rows in every for row in rows)]))

    def in_order(self, rows: Iterable[RawRow]) -> list[RawRow]:
        """Some of the rows in the order of files and lines."""
        rank = {file: number for number, file in reversed(list(enumerate(self.files)))}
        by_line = sorted(rows, key=attrgetter("line"))
        return sorted(by_line, key=lambda row: rank[row.file])

    def values_of(self, column: str) -> Iterator[Any]:
        """All values of a column, in any order; None where a row lacks it."""
        for batch in self.batches:
            yield from values_of(batch.columns[column]) if column in batch.columns.column_names else [None]
        yield from (row.values.get(column) for row in self.odd)

    @property
    def column_names(self) -> set[str]:
        """Columns that any row has, those with a problem left out."""
        names = {name for row in self.odd if not row.problem for name in row.values}
        return names.union(*(batch.columns.column_names for batch in self.batches))


def _has_offset(row: RawRow) -> bool:
    """Whether a moment has another offset than UTC's, which a column would not keep."""
    moments = (value for value in row.values.values() if isinstance(value, datetime))
    return any(moment.utcoffset() not in {None, timedelta(0)} for moment in moments)
