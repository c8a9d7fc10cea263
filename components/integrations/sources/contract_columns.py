"""The contract's events by columns: what rows say, and whether they keep each rule.

Each distinct value of a column is read by the contract's own field, so there is one description of what a row
may say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.contract import FIRST_YEAR, LAST_YEAR, Stored, nfc
from components.domain.preferences.contract import TABLES as CONTRACT
from components.domain.preferences.events import content_id
from components.domain.preferences.limits import Limits
from components.integrations.sources.columns import Column, coded, values_of

_ROW = CONTRACT["events"]
_PAIR = "\x1f"  # between the ids of a menu and of a dish
Event = Mapping[str, Any]
Rule = tuple[Bools, Callable[[Event], str]]


def parsed(columns: Mapping[str, Column], count: int, schema: pa.Schema) -> tuple[pa.Table, Bools]:
    """Reads rows in the contract's types; (N,) False marks rows that the contract refuses.

    Args:
        columns: N values each, under the contract's names; columns may be left out.
        count: N.
        schema: Of the accepted events.
    """
    read, right = {}, np.ones(count, bool)
    for name in schema.names:
        spec, kind = _ROW.model_fields[name], schema.field(name).type
        values, is_right = _by_contract(name, columns.get(name, [None] * count), kind)
        if spec.is_required():
            is_right &= ~mask(pc.is_null(values))
        elif spec.default is not None:
            values = pc.fill_null(values, spec.default)
        read[name], right = values, right & is_right
    for name in columns.keys() - read.keys():
        right &= np.array([value is None or value == "" for value in values_of(columns[name])], bool)
    return _with_ids(pa.table(read, schema), right, _below_microseconds(columns, count)), right


def rules(events: pa.Table, tables: Stored, limits: Limits) -> Iterator[Rule]:
    """Yields each rule of an event: (N,) True for the events that keep it, and what to tell of another one.

    Args:
        events: (N rows) in the contract's types.
        tables: Dishes, people and menus that are accepted; without people, events may be about anybody.
    """
    dish, kind, menu, at = (events[name] for name in ("dish_id", "kind", "menu_id", "occurred_at"))
    offers = [(row["menu_id"], row["dish_id"]) for row in tables["menus"]]
    people, is_choice = [row["person_id"] for row in tables["people"]], mask(pc.equal(kind, "choice"))
    yield (
        is_in(dish, [row["dish_id"] for row in tables["dishes"]]),
        lambda row: f"dish_id '{row['dish_id']}' is not in the dishes table",
    )
    if people:
        yield (
            is_in(events["person_id"], people),
            lambda row: f"person_id '{row['person_id']}' is not in the people table",
        )
    yield (
        mask(pc.less_equal(at, pa.scalar(limits.latest, at.type))),
        lambda row: f"occurred_at {row['occurred_at'].isoformat()} lies in the future",
    )
    yield _in_range(events, limits), lambda row: _out_of_range(row, limits)
    yield (
        ~mask(pc.and_(pc.equal(kind, "rating"), pc.is_null(events["value"]))),
        lambda _: "a rating needs a value",
    )
    yield (
        ~is_choice | is_in(menu, [menu for menu, _ in offers]),
        lambda row: f"menu_id '{row['menu_id']}' of a choice is not in the menus table",
    )
    was_offered, choices = ~is_choice, events.filter(pa.array(is_choice))
    pairs = pc.binary_join_element_wise(choices["menu_id"], choices["dish_id"], _PAIR)
    was_offered[is_choice] = is_in(pairs, [_PAIR.join(offer) for offer in offers])
    yield (
        was_offered,
        lambda row: f"dish_id '{row['dish_id']}' was not offered on menu '{row['menu_id']}'",
    )


def _range_of(source: str, limits: Limits) -> tuple[float, float]:
    return limits.source_ranges.get(source, limits.value_range)


def _in_range(events: pa.Table, limits: Limits) -> Bools:
    sources, code = coded(events["source"])
    ranges = np.array([_range_of(source, limits) for source in values_of(sources)])[code]
    value = events["value"].to_numpy()
    return np.asarray(np.isnan(value) | ((ranges[:, 0] <= value) & (value <= ranges[:, 1])))


def _out_of_range(row: Event, limits: Limits) -> str:
    source, (low, high) = row["source"], _range_of(row["source"], limits)
    setting = f"collect.scales.{source}" if source in limits.source_ranges else "check.value_range"
    return f"value {row['value']:g} is not from {low:g} to {high:g}, {setting}"


def _by_contract(name: str, column: Column, kind: pa.DataType) -> tuple[pa.Array, Bools]:
    """Reads a column in the contract's type, null where a cell is empty; (N,) False marks refused cells."""
    are_moments = not isinstance(column, list) and pa.types.is_timestamp(column.type)
    if are_moments and pa.types.is_timestamp(kind) and (moments := _moments(column, kind)):
        return moments
    distinct, code = coded(column)
    values, refused = _distinct(name, values_of(distinct))
    return pa.array(values, kind).take(pa.array(code)), ~np.isin(code, refused)


def _distinct(name: str, values: list[Any]) -> tuple[list[Any], list[int]]:
    """Reads distinct values; returns them, and the positions of values that the contract refuses."""
    texts = [nfc(value) for value in values]
    filled = [number for number, value in enumerate(texts) if value is not None and value != ""]
    refused = set[int]()
    try:
        read = _reader(name).validate_python([texts[number] for number in filled])
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        refused = {filled[int(detail["loc"][0])] for detail in details}
        filled = [number for number in filled if number not in refused]
        read = _reader(name).validate_python([texts[number] for number in filled])
    result: list[Any] = [None] * len(values)
    for number, value in zip(filled, read, strict=True):
        result[number] = value
    return result, sorted(refused)


@cache
def _reader(name: str) -> TypeAdapter[list[Any]]:
    """Builds the reader of one field of the contract, for a list of its values."""
    spec = _ROW.model_fields[name]
    kind: Any = Annotated[spec.annotation, *spec.metadata] if spec.metadata else spec.annotation
    return TypeAdapter(list[kind], config=_ROW.model_config)


def _moments(column: pa.ChunkedArray, kind: pa.DataType) -> tuple[pa.Array, Bools] | None:
    """Casts moments at once, without a time zone as UTC; None where each value must be read."""
    try:
        values = pc.cast(column, kind).combine_chunks()
    except pa.ArrowInvalid:  # finer than microseconds, or beyond any calendar
        return None
    years = pc.year(values)
    return values, mask(pc.and_(pc.greater_equal(years, FIRST_YEAR), pc.less_equal(years, LAST_YEAR)))


def _below_microseconds(columns: Mapping[str, Column], count: int) -> Ints:
    """Computes the nanoseconds that the contract drops from each moment, (N,)."""
    at = columns.get("occurred_at", [])
    if isinstance(at, list) or not pa.types.is_timestamp(at.type) or at.type.unit != "ns":
        return np.zeros(count, np.int64)
    return np.asarray(at.cast(pa.int64()).fill_null(0).to_numpy() % 1000)


def _with_ids(events: pa.Table, right: Bools, nanoseconds: Ints) -> pa.Table:
    """Gives events without an id one from their content, nanoseconds included."""
    ids, number = events["event_id"], events.schema.get_field_index("event_id")
    missing = mask(pc.equal(ids, "")) & right
    if not missing.any():
        return events
    rows = events.filter(pa.array(missing)).to_pylist()
    for row, rest in zip(rows, nanoseconds[missing].tolist(), strict=True):
        if rest:
            row["occurred_at"] = f"{row['occurred_at']:%Y-%m-%d %H:%M:%S.%f}{rest:03d}+00:00"
    filled = pc.replace_with_mask(
        ids, pa.array(missing), pa.array([content_id(row) for row in rows], ids.type)
    )
    return events.set_column(number, events.schema.field(number), filled)


def is_in(column: pa.ChunkedArray, values: list[str]) -> Bools:
    """Marks the rows whose text is one of some texts, (N,)."""
    return mask(pc.is_in(column, value_set=pa.array(values, pa.string())))


def mask(flags: pa.ChunkedArray) -> Bools:
    """Converts flags to numpy's, null to False."""
    return np.array(pc.fill_null(flags, False), bool)  # noqa: FBT003 - the value to fill in
