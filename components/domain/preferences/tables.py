"""The main path's tables, as arrays: a log of opinions, and comparisons whose histories are ranges of it.

Shapes: P people, D dishes, L lines of the log, Q questions, O dishes on offer (of all questions, one question
after the other), H hidden lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Self

import numpy as np
import numpy.typing as npt

from components.domain.records import Comparison, Past, Question

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.datetime64]
Texts = npt.NDArray[np.object_]

NO_MENU = -1


@dataclass(frozen=True, eq=False)
class OpinionLog:
    """Opinions, a person's together and in the order of time; a history is a range of lines.

    Attributes:
        people: (P,) ids, sorted.
        dishes: (D,) ids, sorted.
        menus: Ids, sorted.
        sources: Names, sorted. Ratings of different sources are on different scales.
        person: (L,) index into `people`.
        dish: (L,) index into `dishes`.
        at: (L,) moments in UTC.
        verdict: (L,) LIKED (also a choice), NEUTRAL or DISLIKED.
        rating: (L,) rating on the user's own scale; NaN where none was stated.
        menu: (L,) index into `menus` of the menu that a choice was made from; NO_MENU for stated opinions.
        source: (L,) index into `sources`.
    """

    people: tuple[str, ...]
    dishes: tuple[str, ...]
    menus: tuple[str, ...]
    sources: tuple[str, ...]
    person: Ints
    dish: Ints
    at: Moments
    verdict: Ints
    rating: Floats
    menu: Ints
    source: Ints

    def __len__(self) -> int:
        return len(self.person)

    def take(self, lines: Ints) -> OpinionLog:
        """The log of some lines, given in ascending order; ids keep their numbers."""
        columns = ("person", "dish", "at", "verdict", "rating", "menu", "source")
        return replace(self, **{name: getattr(self, name)[lines] for name in columns})

    def bounds(self) -> Ints:
        """(P + 1,) line at which each person's lines begin; the last entry is L."""
        return np.searchsorted(self.person, np.arange(len(self.people) + 1)).astype(np.int64)

    def past(self, line: int) -> Past:
        """One line as a model reads it."""
        rating = float(self.rating[line])
        return Past(
            self.dishes[self.dish[line]], int(self.verdict[line]), None if np.isnan(rating) else rating
        )


@dataclass(frozen=True, eq=False)
class HistoryLines:
    """The histories of questions, one after the other.

    Attributes:
        question: (N,) number of the question.
        line: (N,) line of the log.
        sizes: (Q,) length of each question's history.
    """

    question: Ints
    line: Ints
    sizes: Ints


@dataclass(frozen=True, eq=False)
class Questions:
    """Many questions.

    Attributes:
        log: Holds all histories.
        person: (Q,) index into `log.people`.
        start: (Q,) first line of the history.
        stop: (Q,) line behind the last one of the history.
        hidden: (H,) lines within these ranges that are no history, ascending within each question.
        hidden_sizes: (Q,) number of each question's hidden lines.
        offered: (O,) index into `log.dishes`.
        sizes: (Q,) number of dishes on offer in each question.
    """

    log: OpinionLog
    person: Ints
    start: Ints
    stop: Ints
    hidden: Ints
    hidden_sizes: Ints
    offered: Ints
    sizes: Ints

    def __len__(self) -> int:
        return len(self.person)

    @property
    def owner(self) -> Ints:
        """(O,) number of the question that each dish on offer belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def firsts(self) -> Ints:
        """(Q,) position in `offered` of each question's first dish."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def history_sizes(self) -> Ints:
        """(Q,) number of lines in each history."""
        return self.stop - self.start - self.hidden_sizes

    def take(self, index: Ints | Sequence[int]) -> Self:
        """The questions of these numbers, in this order."""
        index = np.asarray(index, np.int64)
        dishes = ranges(self.firsts[index], self.sizes[index])
        lines = ranges((np.cumsum(self.hidden_sizes) - self.hidden_sizes)[index], self.hidden_sizes[index])
        by_dish, by_line = {"offered", "verdict"}, {"hidden"}
        columns = {
            column.name: getattr(self, column.name)[
                dishes if column.name in by_dish else lines if column.name in by_line else index
            ]
            for column in fields(self)
            if column.name != "log"
        }
        return replace(self, **columns)

    def lines(self) -> HistoryLines:
        """Every line of every history."""
        spans = self.stop - self.start
        line = ranges(self.start, spans)
        question = np.repeat(np.arange(len(self)), spans)
        if len(self.hidden):
            width = len(self.log) + 1
            hidden = np.repeat(np.arange(len(self)), self.hidden_sizes) * width + self.hidden
            visible = ~np.isin(question * width + line, hidden)
            line, question = line[visible], question[visible]
        return HistoryLines(question, line, self.history_sizes)

    def with_history_of(self, other: Questions, index: Ints) -> Self:
        """The same questions, each with the history of a question of `other` on the same log.

        Args:
            other: Questions that lend their histories.
            index: (Q,) numbers of those questions; -1 for no history.
        """
        some = index >= 0
        lenders = other.take(np.where(some, index, 0))
        keep = np.repeat(some, lenders.hidden_sizes)
        return replace(
            self,
            start=np.where(some, lenders.start, 0),
            stop=np.where(some, lenders.stop, 0),
            hidden=lenders.hidden[keep],
            hidden_sizes=np.where(some, lenders.hidden_sizes, 0),
        )

    def with_history_lines(self, lines: HistoryLines, chosen: Bools) -> Self:
        """The same questions with a part of their histories.

        Args:
            lines: What `lines` gives for these questions.
            chosen: (N,) True for the lines that stay.
        """
        spans = self.stop - self.start
        width = len(self.log) + 1
        every = np.repeat(np.arange(len(self)), spans) * width + ranges(self.start, spans)
        stays = np.isin(every, lines.question[chosen] * width + lines.line[chosen])
        hidden = every[~stays]
        sizes = np.bincount(hidden // width, minlength=len(self))
        return replace(self, hidden=hidden % width, hidden_sizes=sizes)

    def question(self, number: int) -> Question:
        """One question as a record."""
        first, size = int(self.firsts[number]), int(self.sizes[number])
        lines = self.take([number]).lines().line
        return Question(
            self.log.people[self.person[number]],
            tuple(self.log.past(line) for line in lines),
            tuple(self.log.dishes[dish] for dish in self.offered[first : first + size]),
        )


@dataclass(frozen=True, eq=False)
class Comparisons(Questions):
    """Questions with their answers.

    Attributes:
        key: (Q,) unique and stable names.
        at: (Q,) moments of the answers in UTC.
        chosen: (Q,) position of the preferred dish among the question's dishes.
        verdict: (O,) LIKED, NEUTRAL or DISLIKED, for the pointwise objective alone.
    """

    key: Texts
    at: Moments
    chosen: Ints
    verdict: Ints

    @property
    def chosen_at(self) -> Ints:
        """(Q,) position of the preferred dish in `offered`."""
        return self.firsts + self.chosen

    @property
    def days(self) -> Moments:
        """(Q,) day of each answer, in UTC."""
        return self.at.astype("datetime64[D]")

    @property
    def newest(self) -> datetime:
        """Moment of the newest answer."""
        return moment(self.at.max())

    def comparison(self, number: int) -> Comparison:
        """One comparison as a record."""
        question = self.question(number)
        first, size = int(self.firsts[number]), int(self.sizes[number])
        return Comparison(
            **vars(question),
            key=str(self.key[number]),
            at=moment(self.at[number]),
            chosen=question.dishes[int(self.chosen[number])],
            verdicts=tuple(int(verdict) for verdict in self.verdict[first : first + size]),
        )

    def __iter__(self) -> Iterator[Comparison]:
        return (self.comparison(number) for number in range(len(self)))


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """start, start + 1, … for each pair of start and size, one after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - sizes), sizes))


def moment(at: np.datetime64) -> datetime:
    """A moment of a table as a datetime in UTC."""
    naive: datetime = at.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def timestamp(at: datetime) -> np.datetime64:
    """The inverse of `moment`, for any time zone."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
