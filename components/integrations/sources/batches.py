"""Rows of a table by columns; only rows that nobody can split into cells stand one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from operator import attrgetter
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from components.domain.preferences.arrays import Ints
from components.domain.preferences.events import RawRow
from components.integrations.sources.columns import Column, column_of, taken, values_of


class _Placed(Protocol):
    """A row with its place."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int: ...


Placed = TypeVar("Placed", bound=_Placed)


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one file that have the same columns, in the same order.

    Attributes:
        file: Name of the file.
        lines: (N,) number of each row in the file.
        columns: N values each, by name.
    """

    file: str
    lines: Ints
    columns: Mapping[str, Column]

    def take(self, index: Ints) -> Batch:
        """Selects the rows at some positions."""
        columns = {name: taken(column, index) for name, column in self.columns.items()}
        return Batch(self.file, self.lines[index], columns)

    def rows(self) -> list[RawRow]:
        """Lists the rows one by one."""
        cells = zip(*map(values_of, self.columns.values()), strict=True) if self.columns else repeat(())
        return [
            RawRow(self.file, line, dict(zip(self.columns, row, strict=True)))
            for line, row in zip(self.lines.tolist(), cells, strict=False)
        ]


@dataclass
class Rows:
    """Rows of a table, of one file after the other.

    Attributes:
        batches: Rows by columns.
        broken: Rows with a `problem`.
        files: Names in the order in which they are read.
    """

    batches: list[Batch] = field(default_factory=list)
    broken: list[RawRow] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, file: str, rows: Iterable[RawRow]) -> Self:
        """Collects rows of one file; those with the same columns come into one batch."""
        broken, shapes = list[RawRow](), dict[tuple[str, ...], list[RawRow]]()
        for row in rows:
            (broken if row.problem else shapes.setdefault(tuple(row.values), [])).append(row)
        batches = []
        for names, some in shapes.items():
            columns = zip(*(row.values.values() for row in some), strict=True)
            lines = np.array([row.line for row in some], np.int64)
            batches.append(Batch(file, lines, dict(zip(names, map(column_of, columns), strict=True))))
        return cls(batches, broken, [file])

    def extend(self, other: Rows) -> None:
        """Adds the rows of other files, or more of the same."""
        self.batches += other.batches
        self.broken += other.broken
        self.files += other.files

    def __len__(self) -> int:
        return sum(len(batch.lines) for batch in self.batches) + len(self.broken)

    def __iter__(self) -> Iterator[RawRow]:
        """Iterates over all rows, in the order of files and lines."""
        every = (row for batch in self.batches for row in batch.rows())
        return iter(self.in_order([*self.broken, *every]))

    @property
    def ranks(self) -> dict[str, int]:
        """The position of each file among the others."""
        return {file: rank for rank, file in reversed(list(enumerate(self.files)))}

    @property
    def order(self) -> Ints:
        """Positions of rows, counted through all batches, in the order of files and lines."""
        sizes, ranks = [len(batch.lines) for batch in self.batches], self.ranks
        file = np.repeat(np.array([ranks[batch.file] for batch in self.batches], np.int64), sizes)
        lines = [np.zeros(0, np.int64), *(batch.lines for batch in self.batches)]
        return np.lexsort([np.concatenate(lines), file])

    def in_order(self, rows: Iterable[Placed]) -> list[Placed]:
        """Sorts rows by file and line."""
        ranks = self.ranks
        return sorted(sorted(rows, key=attrgetter("line")), key=lambda row: ranks[row.file])

    def values_of(self, column: str) -> Iterator[Any]:
        """Yields all values of a column, in any order; None where a row lacks it."""
        for batch in self.batches:
            yield from values_of(batch.columns[column]) if column in batch.columns else [None]
        yield from (row.values.get(column) for row in self.broken)

    @property
    def column_names(self) -> set[str]:
        """The columns that any row has; broken rows do not count."""
        return {name for batch in self.batches for name in batch.columns}
