"""Tables of comparisons, made of choices and their menus or of pairs of opinions, without histories yet.

Shapes: L lines of the log, D dishes, Q comparisons, O dishes on offer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import numpy as np

from components.domain.preferences.arrays import Bools, Ints, Texts, changes
from components.domain.preferences.offers import offers_of
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.tables import Comparisons

NO_LINE = -1


def choice_table(log: OpinionLog, on_offer: Bools | None = None) -> tuple[Comparisons, Ints]:
    """Compares each choice with the rest of its menu, or with a sample of a large menu; see `offers_of`.

    Args:
        on_offer: (D,) True for the dishes that count; menus are read as if they had no others. None for all.

    Returns:
        Comparisons of the choices that had an alternative, and (Q,) the line of each.
    """
    counts = np.ones(len(log.dishes), bool) if on_offer is None else on_offer
    line = np.flatnonzero((log.menu != NO_MENU) & counts[log.dish])
    offers = offers_of(log, line, counts)
    sizes, owner = offers.sizes, offers.owner
    is_chosen = offers.dish == log.dish[line][owner]
    chosen_at = np.flatnonzero(is_chosen)
    chosen_at = chosen_at[changes(owner[chosen_at])]
    table = _table(log, line, np.full(len(line), NO_LINE), line)
    table = replace(
        table,
        offered=offers.dish,
        sizes=sizes,
        chosen=chosen_at - (np.cumsum(sizes) - sizes),
    )
    some = sizes > 1
    return (table, line) if some.all() else (table.take(np.flatnonzero(some)), line[some])


def pair_table(log: OpinionLog, line: Ints, other: Ints, last: Ints) -> Comparisons:
    """Builds comparisons of two opinions each.

    Args:
        line: (Q,) lines of the preferred dishes.
        other: (Q,) lines of the other dishes.
        last: (Q,) latest line that each comparison rests on.
    """
    is_first = log.dish[line] < log.dish[other]  # dishes stand in the order of their ids
    pair = np.stack([np.where(is_first, line, other), np.where(is_first, other, line)], axis=1).ravel()
    return replace(
        _table(log, line, other, last),
        offered=log.dish[pair],
        sizes=np.full(len(line), 2),
        chosen=(~is_first).astype(np.int64),
    )


def _table(log: OpinionLog, line: Ints, other: Ints, last: Ints) -> Comparisons:
    """Builds comparisons that have no dishes on offer yet."""
    none, zeros = np.empty(0, np.int64), np.zeros(len(line), np.int64)
    return Comparisons(
        log=log,
        person=log.person[line],
        start=zeros,
        stop=zeros,
        hidden=none,
        hidden_sizes=zeros,
        offered=none,
        sizes=zeros,
        key=_keys(log, line, other),
        at=np.maximum(log.at[line], log.at[last]),
        day=log.day[last],
        menu=log.menu[line],
        chosen=zeros,
    )


def joined(*tables: Comparisons) -> Comparisons:
    """Joins tables of comparisons on one log, one table after the other."""
    columns = [column.name for column in fields(Comparisons) if column.name != "log"]
    whole: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in columns
    }
    return replace(tables[0], **whole)


def unique_keys(keys: Texts) -> Texts:
    """Makes keys unique: among equal keys the second becomes KEY#2 and so on, past names already in use."""
    number_of = Counter(keys)
    if len(number_of) == len(keys):
        return keys
    used, counts, names = set(number_of), Counter[str](), keys.copy()
    for position in [position for position, key in enumerate(keys) if number_of[key] > 1]:
        name = key = keys[position]
        counts[key] += 1
        while counts[key] > 1 and name in used:
            name = f"{key}#{counts[key]}"
            counts[key] += 1
        used.add(name)
        names[position] = name
    return names


def _keys(log: OpinionLog, line: Ints, other: Ints) -> Texts:
    """Writes the name of each comparison, (Q,): PERSON/MOMENT/SOURCE/DISH, for a pair followed by >DISH.

    A choice has its menu in the place of the source.
    """
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
