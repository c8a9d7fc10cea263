"""Opinions become comparisons in the order of time.

Every comparison's history lies strictly before its moment, so nothing later can leak into it. How comparisons
are divided into training and test is `preferences.splits`. What was offered and not chosen is passed over: it
is an alternative in the comparison and never a line of anyone's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.domain.preferences.opinions import Menus
from components.domain.preferences.tables import (
    NO_MENU,
    Comparisons,
    Ints,
    OpinionLog,
    moment,
    ranges,
)
from components.domain.records import DISLIKED, LIKED

History = tuple[
    int, int, Sequence[int]
]  # first line, line behind the last, hidden lines between them, ascending
STATED_SET_SIZE = 5  # dishes at most in a comparison of stated opinions; menus are taken whole


@dataclass
class Builder:
    """Gathers comparisons, one list a column; see `Comparisons` for what the columns mean."""

    log: OpinionLog
    line: list[int] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)
    hidden: list[Sequence[int]] = field(default_factory=list)
    dishes: list[Sequence[int]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    verdicts: list[Sequence[int]] = field(default_factory=list)

    def add(
        self,
        line: int,
        key: str,
        history: History,
        dishes: Sequence[int],
        chosen: int,
        verdicts: Sequence[int],
    ) -> None:
        """Adds a comparison, unless it has no alternative.

        Args:
            line: Line of `log` that says what was preferred.
            key: Its name.
            history: What is known of the person before it.
            dishes: Dishes on offer.
            chosen: The preferred dish, one of `dishes`.
            verdicts: One for each dish.
        """
        if len(dishes) < 2:
            return
        self.line.append(line)
        self.key.append(key)
        start, stop, hidden = history
        self.start.append(start)
        self.stop.append(stop)
        self.hidden.append([each for each in hidden if start <= each < stop])
        self.dishes.append(dishes)
        self.chosen.append(list(dishes).index(chosen))
        self.verdicts.append(verdicts)

    def table(self, histories: OpinionLog | None = None) -> Comparisons:
        """The comparisons in the order in which they were added.

        Args:
            histories: The log that start, stop and hidden lines refer to, where it is another than `log`.
        """
        line = np.array(self.line, np.int64)
        return Comparisons(
            log=histories or self.log,
            person=self.log.person[line],
            start=np.array(self.start, np.int64),
            stop=np.array(self.stop, np.int64),
            hidden=_flat(self.hidden),
            hidden_sizes=np.array([len(lines) for lines in self.hidden], np.int64),
            offered=_flat(self.dishes),
            sizes=np.array([len(dishes) for dishes in self.dishes], np.int64),
            key=np.array(self.key, object),
            at=self.log.at[line],
            chosen=np.array(self.chosen, np.int64),
            verdict=_flat(self.verdicts),
        )


def _flat(parts: Sequence[Sequence[int]]) -> Ints:
    return np.array([value for part in parts for value in part], np.int64)


def compare(log: OpinionLog, menus: Menus, max_history: int) -> Comparisons:
    """Makes one comparison of every opinion that says what was preferred over what, in the order of the log.

    A choice is compared with the rest of its menu. A stated opinion is compared with what the same person
    stated earlier and liked less (or, if none, with the last they liked more); those dishes are then left out
    of the history.

    Args:
        log: Opinions of all people.
        menus: The log's menus.
        max_history: Lines of history at most; see `_window`.
    """
    builder = Builder(log)
    offers = menu_offers(log, menus)
    bounds = log.bounds()
    for person in range(len(log.people)):
        _compare_person(builder, offers, int(bounds[person]), int(bounds[person + 1]), max_history)
    return builder.table()


def _compare_person(
    builder: Builder, offers: dict[int, list[int]], first: int, end: int, max_history: int
) -> None:
    log = builder.log
    stated: dict[int, int] = {}  # dish -> line of the latest opinion stated before, in order of the first one
    lines: dict[int, list[int]] = {}  # dish -> its lines before
    stop = first
    for line in range(first, end):
        if log.at[line] != log.at[stop]:
            for earlier in range(stop, line):
                dish = int(log.dish[earlier])
                lines.setdefault(dish, []).append(earlier)
                if log.menu[earlier] == NO_MENU:
                    stated[dish] = earlier
            stop = line
        key = _key(log, line)
        if line in offers:
            dish, dishes = int(log.dish[line]), offers[line]
            verdicts = [LIKED if each == dish else DISLIKED for each in dishes]
            start = first + _window(stop - first, max_history)
            builder.add(line, key, (start, stop, ()), dishes, dish, verdicts)
        elif log.menu[line] == NO_MENU:
            chosen, dishes = _stated_set(log, line, stated)
            here = int(log.dish[line])
            verdicts = [int(log.verdict[line if dish == here else stated[dish]]) for dish in dishes]
            hidden = sorted(earlier for dish in dishes for earlier in lines.get(dish, ()))
            start = _skip(first, _window(stop - first - len(hidden), max_history), hidden)
            builder.add(line, key, (start, stop, hidden), dishes, chosen, verdicts)


def _stated_set(log: OpinionLog, line: int, stated: dict[int, int]) -> tuple[int, list[int]]:
    """The preferred dish and the dishes of a stated opinion's comparison."""
    dish = int(log.dish[line])
    less: list[int] = []
    for other, earlier in reversed(stated.items()):
        if other != dish and prefers(log, line, earlier):
            less.append(other)
            if len(less) == STATED_SET_SIZE - 1:
                break
    if less:
        return dish, sorted([dish, *less])
    for other, earlier in reversed(stated.items()):
        if other != dish and prefers(log, earlier, line):
            return other, sorted([dish, other])
    return dish, [dish]


def menu_offers(log: OpinionLog, menus: Menus) -> dict[int, list[int]]:
    """For each choice, by its line, its menu without what else the person chose from it."""
    choices = np.flatnonzero(log.menu != NO_MENU)
    menu = log.menu[choices]
    sizes = menus.sizes[menu]
    owner = np.repeat(np.arange(len(choices)), sizes)
    dish = menus.dish[ranges((np.cumsum(menus.sizes) - menus.sizes)[menu], sizes)]
    card = log.person[choices] * (len(menus.sizes) + 1) + menu  # one person, one menu
    width = len(log.dishes)
    was_chosen = np.isin(card[owner] * width + dish, card * width + log.dish[choices])
    stays = ~was_chosen | (dish == log.dish[choices][owner])
    offers: dict[int, list[int]] = {int(line): [] for line in choices}
    for line, number in zip(choices[owner[stays]].tolist(), dish[stays].tolist(), strict=True):
        offers[line].append(number)
    return offers


def prefers(log: OpinionLog, one: int, other: int) -> bool:
    """Whether the dish of one line was liked more than that of another, as far as they can be compared.

    Each source has a scale of its own.
    """
    if log.source[one] != log.source[other]:
        return False
    if not np.isnan(log.rating[one]) and not np.isnan(log.rating[other]):
        return bool(log.rating[one] > log.rating[other])
    return bool(log.verdict[one] > log.verdict[other])


def _key(log: OpinionLog, line: int) -> str:
    menu = "" if log.menu[line] == NO_MENU else log.menus[log.menu[line]]
    at = moment(log.at[line]).isoformat()
    return "/".join((log.people[log.person[line]], at, menu, log.dishes[log.dish[line]]))


def _window(length: int, most: int) -> int:
    """First history line that is read: by half windows, so that most of a person's comparisons share it."""
    step = max(1, most // 2)
    return 0 if length <= most else -(-(length - most) // step) * step


def _skip(first: int, count: int, hidden: Sequence[int]) -> int:
    """The line behind the first `count` lines from `first` on that are not hidden."""
    start = first + count
    for line in hidden:
        start += line < start
    return start
