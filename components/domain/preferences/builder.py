"""Tables of comparisons: of choices and pairs gathered one by one, or of many pairs at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from components.domain.preferences.arrays import Ints, Texts
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED

NO_LINE = -1
History = tuple[int, int, Sequence[int]]  # first line, line behind the last, hidden lines between them


@dataclass
class Builder:
    """Gathers comparisons, one list a column; see `Comparisons` for what the columns mean.

    Attributes:
        log: The opinions that the comparisons rest on.
        lines: For each comparison the line of the preferred dish, and the first and last line that it rests
            on.
        others: For each pair the line of the other dish; NO_LINE for a choice.
    """

    log: OpinionLog
    lines: list[tuple[int, int]] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    history: list[History] = field(default_factory=list)
    dishes: list[Sequence[int]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    verdicts: list[Sequence[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lists are read line by line many times faster than arrays."""
        self.dish_of, self.verdict_of = self.log.dish.tolist(), self.log.verdict.tolist()

    def add_choice(self, line: int, history: History, dishes: Sequence[int]) -> None:
        """Adds a choice, unless it had no alternative.

        Args:
            line: The choice.
            history: What is known of the person before it.
            dishes: The chosen dish and its alternatives, in the order of the menu.
        """
        if len(dishes) > 1:
            chosen = list(dishes).index(self.dish_of[line])
            verdicts = [LIKED if index == chosen else DISLIKED for index in range(len(dishes))]
            self._add((line, line), NO_LINE, history, dishes, chosen, verdicts)

    def add_pair(
        self,
        line: int,
        other: int,
        history: History,
        *,
        block: Sequence[int] | None = None,
        other_person: bool = False,
    ) -> None:
        """Adds the preference of one dish over another.

        Args:
            line: Opinion on the preferred dish.
            other: Opinion on the other dish.
            history: What is known of the person before both.
            block: Lines that the comparison rests on; None for the preferred dish's line alone.
            other_person: Whether the other opinion is another person's, of which this person says nothing.
        """
        pair = sorted((line, other), key=self.dish_of.__getitem__)
        dishes = [self.dish_of[index] for index in pair]
        verdicts = [self.verdict_of[index] for index in pair]
        if other_person:
            verdicts = [LIKED if index == line else DISLIKED for index in pair]
        last = max(block) if block else line
        self._add((line, last), other, history, dishes, dishes.index(self.dish_of[line]), verdicts)

    def _add(
        self,
        lines: tuple[int, int],
        other: int,
        history: History,
        dishes: Sequence[int],
        chosen: int,
        verdicts: Sequence[int],
    ) -> None:
        self.lines.append(lines)
        self.others.append(other)
        self.history.append(history)
        self.dishes.append(dishes)
        self.chosen.append(chosen)
        self.verdicts.append(verdicts)

    def table(self, histories: OpinionLog | None = None) -> Comparisons:
        """The comparisons in the order in which they were added.

        Args:
            histories: The log that the histories refer to, where it is another than `log`.
        """
        draft = self.draft(histories)
        return replace(draft, key=unique_keys(draft.key))

    def draft(self, histories: OpinionLog | None = None) -> Comparisons:
        """As `table`, but with keys that may be equal."""
        line, last = np.array(self.lines, np.int64).reshape(-1, 2).T
        start = np.array([start for start, _, _ in self.history], np.int64)
        return Comparisons(
            log=histories or self.log,
            person=self.log.person[line],
            start=start,
            stop=np.array([stop for _, stop, _ in self.history], np.int64),
            hidden=_flat([hidden for _, _, hidden in self.history]),
            hidden_sizes=np.array([len(hidden) for _, _, hidden in self.history], np.int64),
            offered=_flat(self.dishes),
            sizes=np.array([len(dishes) for dishes in self.dishes], np.int64),
            key=_keys(self.log, line, np.array(self.others, np.int64)),
            at=np.maximum(self.log.at[line], self.log.at[last]),
            day=self.log.day[last],
            menu=self.log.menu[line],
            chosen=np.array(self.chosen, np.int64),
            verdict=_flat(self.verdicts),
        )


def _flat(parts: Sequence[Sequence[int]]) -> Ints:
    return np.array([value for part in parts for value in part], np.int64)


def pair_table(log: OpinionLog, line: Ints, other: Ints, last: Ints, start: Ints, stop: Ints) -> Comparisons:
    """Comparisons of two opinions of one person each, as many at once as there are.

    Args:
        log: Opinions of all people.
        line: (Q,) lines of the preferred dishes.
        other: (Q,) lines of the other dishes.
        last: (Q,) latest line that each rests on.
        start: (Q,) first line of the history.
        stop: (Q,) line behind the last one of the history.
    """
    is_first = log.dish[line] < log.dish[other]  # dishes stand in the order of their ids
    pair = np.stack([np.where(is_first, line, other), np.where(is_first, other, line)], axis=1).ravel()
    return Comparisons(
        log=log,
        person=log.person[line],
        start=start,
        stop=stop,
        hidden=np.empty(0, np.int64),
        hidden_sizes=np.zeros(len(line), np.int64),
        offered=log.dish[pair],
        sizes=np.full(len(line), 2, np.int64),
        key=_keys(log, line, other),
        at=np.maximum(log.at[line], log.at[last]),
        day=log.day[last],
        menu=log.menu[line],
        chosen=(~is_first).astype(np.int64),
        verdict=log.verdict[pair],
    )


def joined(*tables: Comparisons) -> Comparisons:
    """Comparisons on one log, one table after the other."""
    columns = [column.name for column in fields(Comparisons) if column.name != "log"]
    whole: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in columns
    }
    return replace(tables[0], **whole)


def unique_keys(keys: Texts) -> Texts:
    """The keys; of equal ones the second and later carry their number, which no other key ends with."""
    used = set(keys)
    if len(used) == len(keys):
        return keys
    counts, names = Counter[str](), []
    for key in keys:
        counts[key] += 1
        name = key
        while counts[key] > 1 and name in used:
            name = f"{key}#{counts[key]}"
            counts[key] += 1
        used.add(name)
        names.append(name)
    return np.array(names, object)


def _keys(log: OpinionLog, line: Ints, other: Ints) -> Texts:
    """(Q,) names PERSON/MOMENT/SOURCE/DISH, with the menu of a choice as its source; of pairs with >DISH."""
    lines, number = np.unique(line, return_inverse=True)
    middles = (*log.sources, *log.menus.ids)
    middle = np.where(log.menu == NO_MENU, log.source, len(log.sources) + log.menu)[lines]
    columns = (log.person[lines], log.at[lines], middle, log.dish[lines])
    names = [
        f"{log.people[person]}/{at.isoformat()}+00:00/{middles[source]}/{log.dishes[dish]}"
        for person, at, source, dish in zip(*(column.tolist() for column in columns), strict=True)
    ]
    ends = [*(f">{dish}" for dish in log.dishes), ""]  # NO_LINE has the last one
    end = np.where(other == NO_LINE, NO_LINE, log.dish[other])
    keys = [names[name] + ends[dish] for name, dish in zip(number.tolist(), end.tolist(), strict=True)]
    return np.array(keys, object)
