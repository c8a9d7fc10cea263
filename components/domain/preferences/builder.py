"""Gathers comparisons one by one into a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.domain.preferences.arrays import Ints
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog, moment
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED

History = tuple[int, int, Sequence[int]]  # first line, line behind the last, hidden lines between them


@dataclass
class Builder:
    """Gathers comparisons, one list a column; see `Comparisons` for what the columns mean.

    Attributes:
        log: The opinions that the comparisons rest on.
        lines: For each comparison the line of the preferred dish, and the first and last line that it rests
            on.
    """

    log: OpinionLog
    lines: list[tuple[int, int]] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    history: list[History] = field(default_factory=list)
    dishes: list[Sequence[int]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    verdicts: list[Sequence[int]] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)

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
            self._add((line, line), history, dishes, chosen, verdicts, self._key(line))

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
        key = f"{self._key(line)}>{self.log.dishes[self.dish_of[other]]}"
        self._add((line, last), history, dishes, dishes.index(self.dish_of[line]), verdicts, key)

    def _add(
        self,
        lines: tuple[int, int],
        history: History,
        dishes: Sequence[int],
        chosen: int,
        verdicts: Sequence[int],
        key: str,
    ) -> None:
        self.lines.append(lines)
        self.history.append(history)
        self.dishes.append(dishes)
        self.chosen.append(chosen)
        self.verdicts.append(verdicts)
        self.key.append(key)

    def _key(self, line: int) -> str:
        if line not in self._names:
            self._names[line] = self._name(line)
        return self._names[line]

    def _name(self, line: int) -> str:
        log = self.log
        middle = log.sources[log.source[line]] if log.menu[line] == NO_MENU else log.menus.ids[log.menu[line]]
        at, dish = moment(log.at[line]).isoformat(), log.dishes[log.dish[line]]
        return "/".join((log.people[log.person[line]], at, middle, dish))

    def table(self, histories: OpinionLog | None = None) -> Comparisons:
        """The comparisons in the order in which they were added.

        Args:
            histories: The log that the histories refer to, where it is another than `log`.
        """
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
            key=_unique(self.key),
            at=np.maximum(self.log.at[line], self.log.at[last]),
            day=self.log.day[last],
            menu=self.log.menu[line],
            chosen=np.array(self.chosen, np.int64),
            verdict=_flat(self.verdicts),
        )


def _flat(parts: Sequence[Sequence[int]]) -> Ints:
    return np.array([value for part in parts for value in part], np.int64)


def _unique(keys: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The keys; of equal ones the second and later carry their number, which no other key ends with."""
    counts, used = Counter[str](), set(keys)
    names = []
    for key in keys:
        counts[key] += 1
        name = key
        while counts[key] > 1 and name in used:
            name = f"{key}#{counts[key]}"
            counts[key] += 1
        used.add(name)
        names.append(name)
    return np.array(names, object)
