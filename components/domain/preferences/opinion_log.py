"""All opinions of all people as one table of arrays; a history is a range of its lines.

Shapes: P people, D dishes, L lines of the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints, Moments, changes
from components.domain.records import LIKED, Past

NO_MENU = -1
COLUMNS = ("person", "dish", "at", "verdict", "rating", "menu", "source", "is_order", "day")  # of a log


@dataclass(frozen=True, eq=False)
class Menus:
    """The dishes of each menu, menu after menu.

    Attributes:
        ids: Ids of the menus, sorted.
        dish: Index of each dish into the log's `dishes`, in the order of each menu.
        sizes: Number of dishes of each menu.
    """

    ids: tuple[str, ...]
    dish: Ints
    sizes: Ints


NO_MENUS = Menus((), np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, eq=False)
class OpinionLog:
    """Opinions, each person's together and in the order of time; a history is a range of lines.

    Attributes:
        people: (P,) ids, sorted.
        dishes: (D,) ids, sorted.
        menus: The menus that choices were made from.
        sources: Names of the sources, sorted. Ratings of different sources are on different scales.
        person: (L,) index into `people`.
        dish: (L,) index into `dishes`.
        at: (L,) moments in UTC.
        verdict: (L,) LIKED (also a choice), NEUTRAL or DISLIKED.
        rating: (L,) rating on the user's own scale; NaN where none was stated.
        menu: (L,) number of the menu that a choice was made from; NO_MENU for all other opinions.
        source: (L,) index into `sources`.
        is_order: (L,) True for orders without a menu. An opinion that is neither choice nor order was stated.
        day: (L,) local days of the site.
        offset: (sources,) how far each source's mean rating lies above the mean of all sources.
    """

    people: tuple[str, ...]
    dishes: tuple[str, ...]
    menus: Menus
    sources: tuple[str, ...]
    person: Ints
    dish: Ints
    at: Moments
    verdict: Ints
    rating: Floats
    menu: Ints
    source: Ints
    is_order: Bools
    day: Moments
    offset: Floats

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def is_stated(self) -> Bools:
        """(L,) True for likes, dislikes and ratings; a later one replaces an earlier one."""
        return np.asarray((self.menu == NO_MENU) & ~self.is_order)

    @cached_property
    def is_free_pick(self) -> Bools:
        """(L,) True for picks among all dishes: orders, and likes where nobody states anything else."""
        likes = self.is_stated & (self.verdict == LIKED) & np.isnan(self.rating)
        only_likes = likes.sum() == self.is_stated.sum()
        return np.asarray((self.is_order & (self.verdict == LIKED)) | (likes & only_likes))

    @cached_property
    def moment_starts(self) -> Ints:
        """(L,) first line of the person at the line's moment; the lines before it are strictly earlier."""
        starts = changes(self.person) | changes(self.at)
        return np.maximum.accumulate(np.where(starts, np.arange(len(self)), 0)).astype(np.int64)

    @cached_property
    def replaced_by(self) -> Ints:
        """(L,) line of the person's next stated opinion on the dish from the same source; L without one."""
        result = np.full(len(self), len(self))
        lines = np.flatnonzero(self.is_stated)
        lines = lines[np.lexsort([lines, self.dish[lines], self.source[lines], self.person[lines]])]
        same = np.ones(max(0, len(lines) - 1), bool)
        for column in (self.person, self.source, self.dish):
            same &= column[lines[1:]] == column[lines[:-1]]
        result[lines[:-1][same]] = lines[1:][same]
        return result

    def take(self, lines: Ints) -> OpinionLog:
        """Keeps some lines, given in ascending order; people, dishes and the like keep their numbers."""
        return replace(self, **{name: getattr(self, name)[lines] for name in COLUMNS})

    def bounds(self) -> Ints:
        """Finds the line at which each person's lines begin, (P + 1,); the last entry is L."""
        return np.searchsorted(self.person, np.arange(len(self.people) + 1)).astype(np.int64)

    def past(self, line: int) -> Past:
        """Converts one line to the record that a model reads."""
        rating = float(self.rating[line])
        return Past(
            self.dishes[self.dish[line]], int(self.verdict[line]), None if np.isnan(rating) else rating
        )


def moment(at: np.datetime64) -> datetime:
    """Converts a moment of a table to a datetime in UTC."""
    naive: datetime = at.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def timestamp(at: datetime) -> np.datetime64:
    """Converts a datetime of any time zone to a moment of a table; the inverse of `moment`."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
