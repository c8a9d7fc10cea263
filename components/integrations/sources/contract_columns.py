"""The contract's events by columns: which rows plainly keep it, and what they say.

Each distinct value of a column is read by the contract's own field, so there is one description of what a row
may say. A row that is not plain is not judged here: it goes through the contract by itself.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from components.domain.preferences.arrays import Bools
from components.domain.preferences.contract import FIRST_YEAR, LAST_YEAR, Stored, nfc
from components.domain.preferences.contract import TABLES as CONTRACT
from components.domain.preferences.events import content_id
from components.domain.preferences.limits import Limits
from components.domain.preferences.reused_ids import former_ids
from components.integrations.sources.cells import values_of

_ROW = CONTRACT["events"]
_PAIR = "\x1f"  # between the ids of a menu and of a dish


def parsed(raw: pa.Table, schema: pa.Schema) -> tuple[pa.Table, Bools]:
    """What rows say in the contract's types, and (N,) which of them are plain so far.

    Args:
        raw: (N rows) as a source has them, under the contract's names.
        schema: Of the accepted events.
    """
    count, columns, plain = len(raw), {}, np.ones(len(raw), bool)
    for name in schema.names:
        spec = _ROW.model_fields[name]
        there = raw[name] if name in raw.column_names else pa.nulls(count)
        values, is_right = _by_contract(name, there, schema.field(name).type)
        if spec.is_required():
            is_right &= ~_mask(pc.is_null(values))
        elif spec.default is not None:
            values = pc.fill_null(values, spec.default)
        columns[name], plain = values, plain & is_right
    return _with_ids(pa.table(columns, schema), plain), plain


def keep_the_rules(events: pa.Table, tables: Stored, limits: Limits) -> Bools:
    """(N,) True for events that point at what is there and say what they may.

    The rules are those of `preferences.events`, which gives the reasons; a test holds both to each other.

    Args:
        events: (N rows) in the contract's types.
        tables: Dishes, people and menus that are accepted.
        limits: What rows may say.
    """
    person, dish, kind, value = (events[name] for name in ("person_id", "dish_id", "kind", "value"))
    people, former = [row["person_id"] for row in tables["people"]], former_ids(tables)
    forgotten = [each for each in pc.unique(person).to_pylist() if each in limits.forgotten]
    right = _is_in(dish, [row["dish_id"] for row in tables["dishes"]]) & ~_is_in(dish, list(former))
    right &= (_is_in(person, people) | (not people)) & ~_is_in(person, forgotten)
    right &= _mask(pc.less_equal(events["occurred_at"], pa.scalar(limits.latest, events["occurred_at"].type)))
    right &= ~_mask(pc.and_(pc.equal(kind, "rating"), pc.is_null(value)))
    return right & _in_range(events, limits) & _were_offered(events, tables)


def _in_range(events: pa.Table, limits: Limits) -> Bools:
    value, source = events["value"].to_numpy(), events["source"]
    low, high = (np.full(len(events), bound) for bound in limits.value_range)
    for name, (lowest, highest) in limits.source_ranges.items():
        its = _mask(pc.equal(source, name))
        low[its], high[its] = lowest, highest
    return np.asarray(np.isnan(value) | ((low <= value) & (value <= high)))


def _were_offered(events: pa.Table, tables: Stored) -> Bools:
    """Whether a choice's dish was on its menu; True for all that is no choice."""
    result = ~_mask(pc.equal(events["kind"], "choice"))
    choices = events.filter(pa.array(~result))
    pairs = [f"{row['menu_id']}{_PAIR}{row['dish_id']}" for row in tables["menus"]]
    result[~result] = _is_in(
        pc.binary_join_element_wise(choices["menu_id"], choices["dish_id"], _PAIR), pairs
    )
    return result


def _by_contract(name: str, column: pa.ChunkedArray, kind: pa.DataType) -> tuple[pa.Array, Bools]:
    """A column in the contract's type, null where it says nothing, and (N,) False where it is refused."""
    if pa.types.is_timestamp(column.type) and pa.types.is_timestamp(kind):
        return _moments(column, kind)
    try:
        coded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
        return pa.nulls(len(column), kind), np.zeros(len(column), bool)
    values, refused = _distinct(name, values_of(coded.dictionary))
    right = ~np.isin(coded.indices.fill_null(-1).to_numpy(), refused)
    return pa.array(values, kind).take(coded.indices), right


def _distinct(name: str, values: list[Any]) -> tuple[list[Any], list[int]]:
    """Distinct values as the contract reads them, and the positions of those that it refuses."""
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
    """The contract's field, for a list of its values."""
    spec = _ROW.model_fields[name]
    kind: Any = Annotated[spec.annotation, *spec.metadata] if spec.metadata else spec.annotation
    return TypeAdapter(list[kind], config=_ROW.model_config)


def _moments(column: pa.ChunkedArray, kind: pa.DataType) -> tuple[pa.Array, Bools]:
    """Moments that are moments already; without a time zone they are UTC."""
    try:
        values = pc.cast(column, kind).combine_chunks()
    except pa.ArrowInvalid:  # finer than microseconds, or beyond any calendar
        return pa.nulls(len(column), kind), np.zeros(len(column), bool)
    years = pc.year(values)
    return values, _mask(pc.and_(pc.greater_equal(years, FIRST_YEAR), pc.less_equal(years, LAST_YEAR)))


def _with_ids(events: pa.Table, plain: Bools) -> pa.Table:
    """The events with ids from what they say where the source gives none."""
    ids, number = events["event_id"], events.schema.get_field_index("event_id")
    missing = _mask(pc.equal(ids, "")) & plain
    if not missing.any():
        return events
    rows = events.filter(pa.array(missing)).to_pylist()
    filled = pc.replace_with_mask(
        ids, pa.array(missing), pa.array([content_id(row) for row in rows], ids.type)
    )
    return events.set_column(number, events.schema.field(number), filled)


def _is_in(column: pa.ChunkedArray, values: list[str]) -> Bools:
    return _mask(pc.is_in(column, value_set=pa.array(values, pa.string())))


def _mask(flags: pa.ChunkedArray) -> Bools:
    """Flags as numpy's; what is null is False."""
    return np.array(pc.fill_null(flags, False), bool)  # noqa: FBT003 - the value to fill in
