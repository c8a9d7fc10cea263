"""The columns of the accepted tables that are checked, and the figures of the night."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.contract import KEYS, SERVICE_IDS, Stored, required_columns
from components.domain.records import NightFacts

Frames = Mapping[str, pa.Table]
NEWS = "news"  # events that are newer than the last accepted data's newest
_MARKUP = "[&<>\"']"
_PAIR = "\x1f"  # between the ids of a menu and of a dish


def frames_of(tables: Stored, events: pa.Table, night: NightFacts) -> dict[str, pa.Table]:
    """Prepares for each suite the rows that it checks.

    Whether an id exists in another table is a boolean column: a value set of all ids would be repeated in the
    reports. Texts are escaped for HTML, since Great Expectations writes them into its pages as they are.
    """
    frames = {name: _narrow(name, rows) for name, rows in tables.items()}
    dishes = frames["dishes"]["dish_id"]
    menus = frames["menus"].append_column("dish_exists", _is_in(frames["menus"]["dish_id"], dishes))
    narrow = _with_rules(events.select(_columns("events")), frames)
    newest = datetime.fromisoformat(night.previous_newest) if night.previous_newest else None
    news = narrow.filter(pc.greater(narrow["occurred_at"], newest)) if newest else narrow
    frames |= {"menus": menus, "events": narrow, NEWS: once_a_person(news)}
    frames["shares"] = _shares(events["person_id"])
    feedback = pc.sum(pc.starts_with(events["event_id"], SERVICE_IDS)).as_py() or 0
    frames["night"] = pa.Table.from_pylist([_figures(tables, len(events) - feedback, feedback, night)])
    return {name: _escaped(frame) for name, frame in frames.items()}


def once_a_person(events: pa.Table) -> pa.Table:
    """Reduces events to one row for each person, kind and dish, however often the person said it."""
    groups = events.group_by(["person_id", "kind", "dish_id"]).aggregate([("event_id", "min")])
    return groups.rename_columns({"event_id_min": "event_id"}).select(["event_id", "kind", "dish_id"])


def _escaped(frame: pa.Table) -> pa.Table:
    for number, name in enumerate(frame.column_names):
        column = frame[name]
        if pa.types.is_string(column.type) and pc.any(pc.match_substring_regex(column, _MARKUP)).as_py():
            texts = [text if text is None else html.escape(text) for text in column.to_pylist()]
            frame = frame.set_column(number, name, pa.array(texts, pa.string()))
    return frame


def _columns(table: str) -> list[str]:
    more = ("value", "menu_id", "event_id") if table == "events" else ()
    return list(dict.fromkeys([*KEYS[table], *required_columns(table), *more]))


def _narrow(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Selects the table's columns that are checked; in an empty table they are columns of texts."""
    columns = {name: [row[name] for row in rows] for name in _columns(table)}
    return pa.table(
        {name: pa.array(values, None if values else pa.string()) for name, values in columns.items()}
    )


def _with_rules(events: pa.Table, frames: Frames) -> pa.Table:
    """Adds to the events a flag for each rule that depends on other columns or tables."""
    dish, menus = events["dish_id"], frames["menus"]
    is_choice = pc.equal(events["kind"], "choice")
    pairs = (
        pc.binary_join_element_wise(table["menu_id"], table["dish_id"], _PAIR) for table in (events, menus)
    )
    is_rating = pc.equal(events["kind"], "rating")
    flags = {
        "dish_exists": _is_in(dish, frames["dishes"]["dish_id"]),
        "person_exists": _is_in(events["person_id"], frames["people"]["person_id"]),
        "was_offered": pc.or_(pc.invert(is_choice), _is_in(*pairs)),
        "ever_offered": pc.or_(_is_in(dish, menus["dish_id"]), pa.scalar(not len(menus))),
        "rating_has_value": pc.or_(pc.invert(is_rating), pc.is_valid(events["value"])),
    }
    for name, flag in flags.items():
        events = events.append_column(name, flag)
    return events


def _is_in(column: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=values.cast(pa.string()).combine_chunks())


def _shares(people: pa.ChunkedArray) -> pa.Table:
    """Computes each person's share of the events."""
    counts = people.value_counts()
    shares = pc.divide(pc.cast(counts.field("counts"), pa.float64()), max(1, len(people)))
    return pa.table({"person_id": counts.field("values"), "share_of_events": shares})


def _figures(tables: Stored, events: int, feedback: int, night: NightFacts) -> dict[str, Any]:
    """Collects the night's figures in one row; a figure that has nothing to be compared with is empty."""
    shift = None
    if night.like_share is not None and night.previous_like_share is not None:
        shift = abs(night.like_share - night.previous_like_share)
    return {
        "night": night.collected_at,
        "dishes": len(tables["dishes"]),
        "events": events,
        "feedback": feedback,
        "new_events": events - (night.previous_events or 0),
        "newest_event": datetime.fromisoformat(night.newest) if night.newest else None,
        "like_share_shift": float("nan") if shift is None else shift,
        "quarantined_rows": night.rows_quarantined,
        "quarantined_share": night.rows_quarantined / max(1, night.rows_seen),
    }
