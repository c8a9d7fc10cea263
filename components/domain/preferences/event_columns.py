"""The events table as columns: an array for each, with every name stored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints, Moments
from components.domain.preferences.opinion_log import timestamp


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of texts, many of them equal.

    Attributes:
        names: Each text of the column once, sorted.
        number: (N,) index into `names`.
    """

    names: tuple[str, ...]
    number: Ints

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Codes texts as a column."""
        numbers: dict[str, int] = {}
        number = np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)
        return cls.of_codes(tuple(numbers), number)

    @classmethod
    def of_codes(cls, names: Sequence[str], number: Ints) -> Self:
        """Builds a column from names and numbers; sorts the names.

        Args:
            names: Each name once, in any order.
            number: (N,) index into `names`.
        """
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), np.int64)
        rank[order] = np.arange(len(names))
        return cls(tuple(names[index] for index in order), rank[number])

    def take(self, rows: Ints) -> Self:
        """Keeps these rows, and the names that they still use."""
        number = self.number[rows]
        is_used = np.bincount(number, minlength=len(self.names)) > 0
        names = tuple(self.names[index] for index in np.flatnonzero(is_used))
        return type(self)(names, (np.cumsum(is_used) - 1)[number])

    def map(self, value: Callable[[str], int]) -> Ints:
        """Maps each text to a number, (N,); calls `value` once for each of `names`."""
        return np.array([value(name) for name in self.names], np.int64)[self.number]

    def is_one_of(self, *texts: str) -> Bools:
        """Marks the rows whose text is one of these, (N,)."""
        return self.map(texts.__contains__).astype(bool)


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events, in the order of their ids; see `contract.EventRow` for the meaning of the columns.

    Attributes:
        person: (N,) ids of people.
        dish: (N,) ids of dishes.
        kind: (N,) one of `contract.KINDS`.
        menu: (N,) ids of menus; empty where nothing was chosen from a menu.
        source: (N,) names of sources.
        value: (N,) ratings; NaN without a rating.
        at: (N,) moments in UTC.
    """

    person: Coded
    dish: Coded
    kind: Coded
    menu: Coded
    source: Coded
    value: Floats
    at: Moments

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Converts rows, as the contract reads them, to columns in the same order."""
        values = [np.nan if row["value"] is None else row["value"] for row in rows]
        return cls(
            person=Coded.of(row["person_id"] for row in rows),
            dish=Coded.of(row["dish_id"] for row in rows),
            kind=Coded.of(row["kind"] for row in rows),
            menu=Coded.of(row["menu_id"] or "" for row in rows),
            source=Coded.of(row["source"] for row in rows),
            value=np.array(values, np.float64),
            at=np.array([timestamp(row["occurred_at"]) for row in rows], "datetime64[us]"),
        )

    def take(self, rows: Ints) -> Self:
        """Keeps these rows."""
        columns: dict[str, Any] = {
            name: column.take(rows) if isinstance(column, Coded) else column[rows]
            for name, column in vars(self).items()
        }
        return type(self)(**columns)
