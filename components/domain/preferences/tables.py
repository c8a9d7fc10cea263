"""The main path's tables, as arrays: questions and comparisons whose histories are ranges of a log.

Shapes: L lines of the log, Q questions, O dishes on offer (of all questions, one question after the other),
H hidden lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Self

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints, Moments, Texts, ranges
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog, moment
from components.domain.records import Comparison, Question


@dataclass(frozen=True, eq=False)
class HistoryLines:
    """The lines of all histories, one question's history after the other.

    Attributes:
        question: (N,) number of the question that each line belongs to.
        line: (N,) number of each line in the log.
        sizes: (Q,) length of each question's history.
    """

    question: Ints
    line: Ints
    sizes: Ints


@dataclass(frozen=True, eq=False)
class Questions:
    """A table of questions.

    A history is a range of the log's lines, without hidden lines and without opinions that a later line of
    the range replaces.

    Attributes:
        log: The log that holds all histories.
        person: (Q,) index into `log.people`.
        start: (Q,) first line of the history's range.
        stop: (Q,) line behind the last one of the range.
        hidden: (H,) hidden lines of the ranges, ascending within each question.
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
    def has_history(self) -> Bools:
        """(Q,) True where the history has any line; computed without listing all lines."""
        result = self.stop > self.start  # no line before `stop` replaces the last one
        unsure = np.flatnonzero(result & (self.hidden_sizes > 0))
        result[unsure] = self.take(unsure).history_sizes > 0
        return np.asarray(result)

    @property
    def history_sizes(self) -> Ints:
        """(Q,) number of lines in each history."""
        return self.lines.sizes

    def take(self, index: Ints | Sequence[int]) -> Self:
        """Selects the questions with these numbers, in this order."""
        index = np.asarray(index, np.int64)
        dishes = ranges(self.firsts[index], self.sizes[index])
        lines = ranges((np.cumsum(self.hidden_sizes) - self.hidden_sizes)[index], self.hidden_sizes[index])
        at = {"offered": dishes, "hidden": lines}
        names = [column.name for column in fields(self) if column.name != "log"]
        return replace(self, **{name: getattr(self, name)[at.get(name, index)] for name in names})

    @property
    def ages(self) -> Floats:
        """(N,) days from each history line to the newest line of the same history."""
        lines, at = self.lines, self.log.at
        newest = lines.line[np.repeat(np.cumsum(lines.sizes), lines.sizes) - 1]
        return np.asarray((at[newest] - at[lines.line]) / np.timedelta64(1, "D"), np.float64)

    @cached_property
    def lines(self) -> HistoryLines:
        """Lists the lines of all histories."""
        spans = self.stop - self.start
        line = ranges(self.start, spans)
        question = np.repeat(np.arange(len(self)), spans)
        visible = self.log.replaced_by[line] >= self.stop[question]
        if len(self.hidden):
            width = len(self.log) + 1
            hidden = np.repeat(np.arange(len(self)), self.hidden_sizes) * width + self.hidden
            visible &= ~np.isin(question * width + line, hidden)
        line, question = line[visible], question[visible]
        return HistoryLines(question, line, np.bincount(question, minlength=len(self)))

    def with_history_of(self, other: Questions, index: Ints) -> Self:
        """Replaces each history by the history of a question of `other`, which is on the same log.

        Args:
            other: Questions that lend their histories.
            index: (Q,) number of the question that lends its history; -1 for an empty history.
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

    def with_history_lines(self, chosen: Bools) -> Self:
        """Cuts the histories down to chosen lines.

        Args:
            chosen: (N,) True for the entries of `lines` that stay.
        """
        lines, spans = self.lines, self.stop - self.start
        width = len(self.log) + 1
        every = np.repeat(np.arange(len(self)), spans) * width + ranges(self.start, spans)
        stays = np.isin(every, lines.question[chosen] * width + lines.line[chosen])
        hidden = every[~stays]
        sizes = np.bincount(hidden // width, minlength=len(self))
        return replace(self, hidden=hidden % width, hidden_sizes=sizes)

    def question(self, number: int) -> Question:
        """Converts one question to a record."""
        first, size = int(self.firsts[number]), int(self.sizes[number])
        lines = self.take([number]).lines.line
        return Question(
            self.log.people[self.person[number]],
            tuple(self.log.past(line) for line in lines),
            tuple(self.log.dishes[dish] for dish in self.offered[first : first + size]),
        )


@dataclass(frozen=True, eq=False)
class Comparisons(Questions):
    """A table of questions with their answers.

    Attributes:
        key: (Q,) unique and stable names.
        at: (Q,) moments of the answers in UTC.
        day: (Q,) local day of the latest opinion that the comparison rests on.
        menu: (Q,) number of the menu; NO_MENU where nothing was chosen from a menu.
        chosen: (Q,) position of the preferred dish among the question's dishes.
    """

    key: Texts
    at: Moments
    day: Moments
    menu: Ints
    chosen: Ints

    @property
    def chosen_at(self) -> Ints:
        """(Q,) position of the preferred dish in `offered`."""
        return self.firsts + self.chosen

    @property
    def menu_day(self) -> Ints:
        """(Q,) number of the menu day, the same for choices from one menu on one day; -1 without a menu."""
        pairs = self.menu * 10_000_000 + self.day.astype(np.int64)
        numbers = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
        return np.where(self.menu == NO_MENU, -1, numbers)

    def among(self, dishes: Bools) -> Self:
        """Removes all but some dishes from the offers.

        Comparisons whose chosen dish is removed, or that keep no alternative, are left out.

        Args:
            dishes: (D,) True for the dishes that stay on offer.
        """
        stays, owner = dishes[self.offered], self.owner
        sizes = np.bincount(owner, stays, minlength=len(self)).astype(np.int64)
        left: Ints = np.cumsum(stays) - stays  # of each dish, how many stay before it
        chosen: Ints = left[self.chosen_at] - left[self.firsts]
        fewer = replace(self, offered=self.offered[stays], sizes=sizes, chosen=chosen)
        return fewer.take(np.flatnonzero(stays[self.chosen_at] & (sizes > 1)))

    def in_order(self) -> Self:
        """Sorts the comparisons by person and moment; those of one person and moment keep their order."""
        return self.take(np.lexsort([self.at, self.person]))

    @property
    def newest(self) -> datetime:
        """Moment of the newest answer."""
        return moment(self.at.max())

    def comparison(self, number: int) -> Comparison:
        """Converts one comparison to a record."""
        question = self.question(number)
        return Comparison(
            **vars(question),
            key=str(self.key[number]),
            at=moment(self.at[number]),
            chosen=question.dishes[int(self.chosen[number])],
        )

    def __iter__(self) -> Iterator[Comparison]:
        return (self.comparison(number) for number in range(len(self)))


def distinct_histories(questions: Questions, *, by_age: bool = False) -> tuple[Ints, Ints]:
    """Numbers the distinct histories of questions.

    Histories are equal if their dishes, verdicts and ratings are, whoever has them.

    Args:
        questions: Questions with histories.
        by_age: Whether the days between the lines must be equal, too.

    Returns:
        Number of the first question with each distinct history, and (Q,) number of each question's history.
    """
    lines, log = questions.lines, questions.log
    ages = questions.ages if by_age else np.zeros(len(lines.line))
    content = np.stack([log.dish[lines.line], log.verdict[lines.line]], axis=1)
    rating = log.rating[lines.line] - log.offset[log.source[lines.line]]
    numbers: dict[tuple[bytes, bytes, bytes], int] = {}
    first: list[int] = []
    history = np.empty(len(questions), np.int64)
    stop = 0
    for question, size in enumerate(lines.sizes.tolist()):
        start, stop = stop, stop + size
        key = content[start:stop].tobytes(), rating[start:stop].tobytes(), ages[start:stop].tobytes()
        number = history[question] = numbers.setdefault(key, len(numbers))
        if number == len(first):
            first.append(question)
    return np.array(first, np.int64), history
