"""Takes a night's rows in: events by columns; dishes, people and menus row by row.

A row that is refused is read once more, by itself, to say why.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.contract import Stored
from components.domain.preferences.events import (
    Collected,
    Counts,
    Quarantined,
    RawRow,
    accept,
    quarantined,
    why_refused,
)
from components.domain.preferences.limits import Limits
from components.domain.preferences.refused_text import names_one_of
from components.domain.preferences.reused_ids import MenuIndex, keep_former, row_before
from components.integrations.sources.batches import Rows
from components.integrations.sources.contract_columns import is_in, mask, parsed, rules

NOT_BY_CONTRACT = "it breaks the contract"  # where the contract accepts the row by itself


@dataclass(frozen=True)
class Intake:
    """The accepted data after a night's rows.

    Attributes:
        collected: Counts of all tables, what was quarantined, and the tables but for events.
        events: All accepted events by id.
        before: Tables and events as they were, with the dishes' former ids of tonight; written first, they
            keep what events mean, whenever a night is killed.
    """

    collected: Collected
    events: pa.Table
    before: tuple[Stored, pa.Table]


def take_in(incoming: Mapping[str, Rows], tables: Stored, events: pa.Table, limits: Limits) -> Intake:
    """Adds incoming rows to the accepted data, by the contract.

    Args:
        incoming: Rows by table; tables that are absent tonight may be left out. Without a table of people
            tonight, events may be about anybody, even if earlier nights had such a table.
        tables: What earlier nights accepted, but for events.
        events: The accepted events; not changed.
    """
    others = {table: rows for table, rows in incoming.items() if table != "events"}
    collected = accept(others, tables, limits)
    before = _with_former(tables, events, collected, limits.latest.date())
    people = collected.tables["people"] if "people" in incoming else []
    night = _Night(incoming.get("events", Rows()), {**collected.tables, "people": people}, before[1], limits)
    collected.counts["events"] = night.counts
    collected.quarantined += night.refused
    new = night.events.filter(pa.array(night.is_new))
    events = pa.concat_tables([before[1], new]).sort_by("event_id") if len(new) else before[1]
    return Intake(collected, events, before)


class _Night:
    """The N incoming events of a night.

    Args:
        rows: Rows as they came.
        tables: Dishes, people and menus that are accepted.
        stored: The events that earlier nights accepted.

    Attributes:
        events: (N rows) in the contract's types.
        is_new: (N,) True for events that are accepted.
        counts: What became of all rows.
        refused: The quarantined rows, in the order of files and lines.
    """

    def __init__(self, rows: Rows, tables: Stored, stored: pa.Table, limits: Limits) -> None:
        self.rows, self.limits = rows, limits
        events, self.is_right = _parsed(rows, stored.schema)
        is_forgotten = self.is_right & _are_forgotten(events["person_id"], limits.forgotten)
        position = pc.index_in(events["event_id"], value_set=_ids(stored)).combine_chunks()
        self.events = _as_meant(events, stored["dish_id"].take(position), MenuIndex(tables))
        self.rules = list(rules(self.events, tables, limits))
        is_stored, place = mask(pc.is_valid(position)), position.fill_null(0).to_numpy()
        may_be = self.is_right & ~is_forgotten
        is_again = may_be & is_stored  # what was accepted stays so, whatever other tables say tonight
        is_again[is_again] = _equal(self.events, np.flatnonzero(is_again), stored, place[is_again])
        may_be &= ~is_stored & np.all([keeps for keeps, _ in self.rules], axis=0)
        first = self._first(may_be)
        self.is_new = may_be & (first == np.arange(len(first)))
        others = np.flatnonzero(may_be & ~self.is_new)
        is_again[others] = _equal(self.events, others, self.events, first[others])
        self.counts = Counts(
            len(rows), int(self.is_new.sum()), int(is_again.sum()), 0, int(is_forgotten.sum())
        )
        self.refused = rows.in_order(self._refused(~(self.is_new | is_again | is_forgotten)))

    def _first(self, may_be: Bools) -> Ints:
        """Finds for each event the first that may be of its id, in the order of files and lines, (N,)."""
        code = _ids(self.events).dictionary_encode().indices.fill_null(0).to_numpy()
        order = self.rows.order
        order = order[may_be[order]]
        first = np.full(int(code.max(initial=-1)) + 1, -1)
        first[code[order][::-1]] = order[::-1]  # the first event of each id is written last
        return np.asarray(first[code])

    def _refused(self, which: Bools) -> Iterator[Quarantined]:
        """Yields broken rows and some others as refused, and counts them; rows of forgotten people go."""
        limits = self.limits
        for raw, reason in chain(((row, row.problem) for row in self.rows.broken), self._reasons(which)):
            if limits.forgotten and names_one_of(limits.forgotten, raw.values):
                self.counts.forgotten += 1
            else:
                self.counts.quarantined += 1
                yield quarantined("events", raw, reason)

    def _reasons(self, which: Bools) -> Iterator[tuple[RawRow, str]]:
        """Yields some rows of the batches with the reasons why they are refused."""
        start = 0
        for batch in self.rows.batches:
            index = np.flatnonzero(which[start : start + len(batch.lines)])
            for raw, at in zip(batch.take(index).rows(), (index + start).tolist(), strict=True):
                is_right = self.is_right[at]
                yield raw, self._reason(at) if is_right else why_refused("events", raw) or NOT_BY_CONTRACT
            start += len(batch.lines)

    def _reason(self, at: int) -> str:
        """Says why an event is refused that the contract accepts by itself."""
        (event,) = self.events.slice(at, 1).to_pylist()
        broken = (reason(event) for keeps, reason in self.rules if not keeps[at])
        return next(broken, f"event_id '{event['event_id']}' already names a different row")


def _parsed(rows: Rows, schema: pa.Schema) -> tuple[pa.Table, Bools]:
    parts, right = [schema.empty_table()], [np.zeros(0, bool)]
    for batch in rows.batches:
        events, is_right = parsed(batch.columns, len(batch.lines), schema)
        parts.append(events)
        right.append(is_right)
    return pa.concat_tables(parts).combine_chunks(), np.concatenate(right)


def _are_forgotten(person: pa.ChunkedArray, forgotten: Container[str]) -> Bools:
    named = (one for one in pc.unique(person).to_pylist() if one and forgotten)
    return is_in(person, [one for one in named if names_one_of(forgotten, {"person_id": one})])


def _as_meant(events: pa.Table, stored_dish: pa.ChunkedArray, menus: MenuIndex) -> pa.Table:
    """Points events to the dishes that they mean, where other dishes have taken these dishes' ids."""
    is_reused = is_in(events["dish_id"], list(menus.former))
    if not is_reused.any():
        return events
    columns = (events["dish_id"], events["menu_id"], stored_dish)
    named = zip(*(column.filter(pa.array(is_reused)).to_pylist() for column in columns), strict=True)
    meant = pa.array([menus.meant(*row) for row in named], pa.string())
    number = events.schema.get_field_index("dish_id")
    dish = pc.replace_with_mask(events["dish_id"].combine_chunks(), pa.array(is_reused), meant)
    return events.set_column(number, events.schema.field(number), dish)


def _equal(one: pa.Table, at: Ints, other: pa.Table, there: Ints) -> Bools:
    """Compares rows of two tables: (at,) True where all their cells are equal."""
    result = np.ones(len(at), bool)
    for name in one.column_names:
        left, right = one[name].take(pa.array(at)), other[name].take(pa.array(there))
        both_null = pc.and_(pc.is_null(left), pc.is_null(right))
        result &= mask(pc.or_(pc.fill_null(pc.equal(left, right), False), both_null))  # noqa: FBT003
    return result


def _ids(events: pa.Table) -> pa.Array:
    return events["event_id"].combine_chunks()


def _with_former(
    tables: Stored, events: pa.Table, collected: Collected, today: date
) -> tuple[Stored, pa.Table]:
    """Points past rows to former dishes where other dishes have taken their ids tonight."""
    result, number = dict(tables), events.schema.get_field_index("dish_id")
    for former in collected.former:
        row, dish = row_before(former, collected.tables), events["dish_id"]
        keep_former(result, row, today)
        named = pc.if_else(pc.equal(dish, row["dish_id"]), former, dish)
        events = events.set_column(number, events.schema.field(number), named)
    return result, events
