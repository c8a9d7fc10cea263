"""A night's rows are taken in: events by columns as far as they are plain, all else row by row.

Both ways end alike for every row, since what is not plainly new or plainly a duplicate goes through
`preferences.events.accept`, with its reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.contract import Stored
from components.domain.preferences.events import Collected, RawRow, accept, event_id_of
from components.domain.preferences.limits import Limits
from components.domain.preferences.reused_ids import former_ids, keep_former, row_before
from components.integrations.sources.batches import Rows
from components.integrations.sources.contract_columns import keep_the_rules, parsed


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
        incoming: Rows by table; tables that are absent tonight may be left out, see `accept`.
        tables: What earlier nights accepted, but for events.
        events: The accepted events; not changed.
        limits: What rows may say.
    """
    others = {table: rows for table, rows in incoming.items() if table != "events"}
    collected = accept(others, {**tables, "events": []}, limits)
    before = _with_former(tables, events, collected, limits.latest.date())
    events, rows = before[1], incoming.get("events", Rows())
    people = collected.tables["people"] if "people" in incoming else []
    sorted_rows = _sort(rows, {**collected.tables, "people": people}, events, limits)
    by_row = accept(
        {"people": (), "events": sorted_rows.rest},
        {**collected.tables, "people": people, "events": _stored(events, sorted_rows.rest)},
        limits,
    )
    counts = by_row.counts["events"]
    counts.rows_in += len(sorted_rows.new) + sorted_rows.duplicates
    counts.accepted += len(sorted_rows.new)
    counts.duplicates += sorted_rows.duplicates
    accepted = pa.Table.from_pylist(by_row.tables["events"], events.schema)
    accepted = accepted.filter(pc.invert(pc.is_in(accepted["event_id"], value_set=_ids(events))))
    collected.counts["events"] = counts
    collected.quarantined += by_row.quarantined
    collected.tables.pop("events")
    everything = pa.concat_tables([events, sorted_rows.new, accepted])
    has_more = len(everything) > len(events)
    return Intake(collected, everything.sort_by("event_id") if has_more else events, before)


@dataclass(frozen=True)
class _Sorted:
    """Incoming events: the plainly new ones, the number of plain duplicates, and the rest."""

    new: pa.Table
    duplicates: int
    rest: list[RawRow]


def _sort(rows: Rows, tables: Stored, stored: pa.Table, limits: Limits) -> _Sorted:
    parts, plain = [stored.slice(0, 0)], [np.zeros(0, bool)]
    for batch in rows.batches:
        events, right = parsed(batch.columns, stored.schema)
        parts.append(events)
        plain.append(right)
    events, is_plain = pa.concat_tables(parts).combine_chunks(), np.concatenate(plain)
    right = keep_the_rules(events.filter(pa.array(is_plain)), tables, limits)
    wrong = np.flatnonzero(is_plain)[~right]
    right[~right] = _are_stored(events, wrong, stored, list(former_ids(tables)))
    is_plain[is_plain] = right
    odd = [*rows.odd, *_raw(rows, ~is_plain)]
    is_new, is_again = _judge(events, is_plain, stored, [event_id_of(row) for row in odd])
    rest = [*odd, *_raw(rows, is_plain & ~is_new & ~is_again)]
    return _Sorted(events.filter(pa.array(is_new)), int(is_again.sum()), rows.in_order(rest))


def _judge(
    events: pa.Table, plain: Bools, stored: pa.Table, odd_ids: list[str | None]
) -> tuple[Bools, Bools]:
    """(N,) True for events that are new, and for those that are duplicates; neither is for the rest.

    An id that comes with different rows, or also with a row that is not plain, is for the rest as a whole.
    """
    ids = events["event_id"]
    code = ids.combine_chunks().dictionary_encode().indices.fill_null(0).to_numpy()
    at, count = np.flatnonzero(plain), int(code.max(initial=-1)) + 1
    first = np.zeros(count, np.int64)
    first[code[at][::-1]] = at[::-1]  # the first row of each id is written last
    unclear = np.zeros(count, bool)
    unclear[code[at][~_equal(events, at, events, first[code[at]])]] = True
    unclear[code[np.array(pc.is_in(ids, value_set=pa.array(odd_ids, pa.string())), bool) & plain]] = True
    position = pc.index_in(ids, value_set=_ids(stored)).combine_chunks()
    is_stored = np.array(pc.is_valid(position), bool) & plain
    old = np.flatnonzero(is_stored)
    unclear[code[old][~_equal(events, old, stored, position.fill_null(0).to_numpy()[old])]] = True
    is_first = np.zeros(len(events), bool)
    is_first[at] = first[code[at]] == at
    clear = plain & ~unclear[code] if count else plain
    is_new = clear & is_first & ~is_stored
    return is_new, clear & ~is_new


def _are_stored(events: pa.Table, at: Ints, stored: pa.Table, reused: list[str]) -> Bools:
    """(at,) True for events that are accepted already, whatever other tables say of them tonight.

    The ids of `reused` have meant other dishes; who names one is for the rest.
    """
    position = pc.index_in(events["event_id"].take(pa.array(at)), value_set=_ids(stored)).combine_chunks()
    result = np.array(pc.is_valid(position), bool)
    result &= ~np.array(
        pc.is_in(events["dish_id"].take(pa.array(at)), value_set=pa.array(reused, pa.string())), bool
    )
    there = position.fill_null(0).to_numpy()[result]
    result[result] = _equal(events, at[result], stored, there)
    return result


def _equal(one: pa.Table, at: Ints, other: pa.Table, there: Ints) -> Bools:
    """(at,) whether a row of one table says what a row of the other does."""
    result = np.ones(len(at), bool)
    for name in one.column_names:
        left, right = one[name].take(pa.array(at)), other[name].take(pa.array(there))
        both_null = pc.and_(pc.is_null(left), pc.is_null(right))
        result &= np.array(pc.or_(pc.fill_null(pc.equal(left, right), False), both_null), bool)  # noqa: FBT003
    return result


def _raw(rows: Rows, which: Bools) -> list[RawRow]:
    """The rows of these positions, counted through all batches."""
    result, start = list[RawRow](), 0
    for batch in rows.batches:
        stop = start + len(batch.lines)
        result += batch.rows(np.flatnonzero(which[start:stop]))
        start = stop
    return result


def _stored(events: pa.Table, rest: list[RawRow]) -> list[dict[str, Any]]:
    """The accepted events whose ids the rest names."""
    ids = {event_id_of(row) for row in rest} - {None}
    named = pc.is_in(events["event_id"], value_set=pa.array(sorted(map(str, ids)), pa.string()))
    rows: list[dict[str, Any]] = events.filter(named).to_pylist()
    return rows


def _ids(events: pa.Table) -> pa.Array:
    return events["event_id"].combine_chunks()


def _with_former(
    tables: Stored, events: pa.Table, collected: Collected, today: date
) -> tuple[Stored, pa.Table]:
    """Tables and events with the dishes that they meant, where ids are other dishes' from tonight on."""
    result, number = {**tables, "events": []}, events.schema.get_field_index("dish_id")
    for former in collected.former:
        row, dish = row_before(former, collected.tables), events["dish_id"]
        keep_former(result, row, today)
        named = pc.if_else(pc.equal(dish, row["dish_id"]), former, dish)
        events = events.set_column(number, events.schema.field(number), named)
    result.pop("events")
    return result, events
