"""Cells for which Python has no value, such as a moment in the year 20000; the contract takes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from components.domain.preferences.arrays import Ints

# Text that is not UTF-8 is a ValueError, a time zone that this machine does not have a LookupError.
CANNOT_READ = (pa.ArrowException, ValueError, OverflowError, LookupError)


@dataclass(frozen=True)
class Unreadable:
    """What stands in a row in the place of such a value.

    Attributes:
        text: As much of it as can be written down.
        reason: Why it cannot be read.
    """

    text: str
    reason: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.text!r}, which cannot be read ({self.reason})"


def text_of(content: bytes) -> str | Unreadable:
    """A text of a database, in UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        return Unreadable(content.decode(errors="backslashreplace"), f"no UTF-8 at its byte {error.start}")


def values_of(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column, one by one where they cannot be read at once."""
    try:
        values: list[Any] = column.to_pylist()
    except CANNOT_READ:
        return [_value(cell) for cell in column]
    return values


def cells_at(column: pa.ChunkedArray, index: Ints) -> list[Any]:
    """The values at these positions."""
    try:
        return values_of(column.take(pa.array(index)))
    except pa.ArrowNotImplementedError:  # a type of which nothing can be taken
        return [_value(column[position]) for position in index.tolist()]


def _value(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except CANNOT_READ as error:
        return Unreadable(_text(cell), " ".join(str(error).split()))


def _text(cell: pa.Scalar) -> str:
    if isinstance(cell, pa.BinaryScalar):  # texts are such, too
        content: bytes = cell.as_buffer().to_pybytes()
        return content.decode(errors="backslashreplace")
    if isinstance(cell, pa.ListScalar):
        return ";".join(str(_value(part)) for part in cell)
    value = getattr(cell, "value", None)
    if isinstance(value, pa.Scalar):
        return _text(value)
    return str(cell.type) if value is None else f"{value} as {cell.type}"
