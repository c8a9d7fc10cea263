"""Columns of a source's rows: Arrow's where the values have one simple type, else lists of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from components.domain.preferences.arrays import Ints

Column: TypeAlias = "pa.ChunkedArray | list[Any]"
FEWEST = 20  # values from which a column is Arrow's
# Text that is not UTF-8 is a ValueError, a time zone that this machine does not have a LookupError.
CANNOT_READ = (pa.ArrowException, ValueError, OverflowError, LookupError)
_SIMPLE = {str, int, float, datetime}  # types whose values Arrow gives back unchanged
_UTC = ({None}, {timedelta(0)})  # offsets of moments that Arrow gives back unchanged


@dataclass(frozen=True)
class Unreadable:
    """A cell for which Python has no value, such as a moment in the year 20000; the contract refuses it.

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
    """Decodes a text of a database, in UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        return Unreadable(content.decode(errors="backslashreplace"), f"no UTF-8 at its byte {error.start}")


def column_of(values: Sequence[Any]) -> Column:
    """Builds a column that gives these values back."""
    types = set(map(type, values)) - {type(None)}
    if types == {int, float}:  # equal numbers become one, else they keep the memory of the rows around them
        once: dict[tuple[type, str], Any] = {}
        return [once.setdefault((type(value), str(value)), value) for value in values]
    if len(values) < FEWEST or len(types) > 1 or not types <= _SIMPLE:
        return list(values)
    if types == {datetime} and {value.utcoffset() for value in values if value is not None} not in _UTC:
        return list(values)
    try:
        return pa.chunked_array([pa.array(values)])
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):  # half a character, a huge number
        return list(values)


def constant(value: str, count: int) -> Column:
    """Builds a column that has one text in all rows."""
    return pa.chunked_array([pa.repeat(value, count)])


def values_of(column: Column) -> list[Any]:
    """Lists the values of a column, read one by one where they cannot be read at once."""
    if isinstance(column, list):
        return column
    try:
        values: list[Any] = column.to_pylist()
    except CANNOT_READ:
        return [_value(cell) for cell in column]
    return values


def taken(column: Column, index: Ints) -> Column:
    """Selects the values at some positions."""
    if not isinstance(column, list):
        try:
            return column.take(pa.array(index))
        except pa.ArrowNotImplementedError:  # a type from which nothing can be taken
            return [_value(column[position]) for position in index.tolist()]
    return [column[position] for position in index.tolist()]


def coded(column: Column) -> tuple[Column, Ints]:
    """Splits a column into values, mostly distinct, and (N,) the position of each row's value among them."""
    if not isinstance(column, list):
        try:
            encoded = column.combine_chunks().dictionary_encode()
            values = pa.chunked_array([encoded.dictionary, pa.nulls(1, encoded.dictionary.type)])
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
            return column, np.arange(len(column))
        return values, encoded.indices.cast(pa.int64()).fill_null(len(values) - 1).to_numpy()
    return column, np.arange(len(column))


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
