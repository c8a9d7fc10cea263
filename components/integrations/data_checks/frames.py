"""The columns of the accepted tables that anything is expected of, and the figures of the night."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from components.domain.preferences.contract import KEYS, Stored, required_columns
from components.domain.records import NightFacts

Frames = Mapping[str, pd.DataFrame]
NEWS = "news"  # events that are newer than the last accepted data's newest


def frames_of(tables: Stored, night: NightFacts) -> dict[str, pd.DataFrame]:
    """By suite the rows that it is about.

    Whether an id exists in another table is a boolean column: a value set with every id would be repeated in
    the reports. Texts are escaped for HTML, since Great Expectations writes them into its pages as they are.

    Args:
        tables: All accepted rows by table.
        night: Facts of the night that collected them.
    """
    frames = {name: _narrow(name, rows) for name, rows in tables.items()}
    dishes = {row["dish_id"] for row in tables["dishes"]}
    frames["menus"]["dish_exists"] = frames["menus"]["dish_id"].isin(dishes)
    _derive(frames["events"], tables, dishes)
    newest = datetime.fromisoformat(night.previous_newest) if night.previous_newest else None
    events = frames["events"]
    is_new = events["occurred_at"] > newest if newest else pd.Series(data=True, index=events.index)
    frames[NEWS] = events.loc[is_new, ["event_id", "kind", "dish_id"]]
    frames["shares"] = _shares(tables["events"])
    frames["night"] = pd.DataFrame([_figures(tables, night)])
    return {name: frame.map(_escaped) for name, frame in frames.items()}


def _escaped(value: Any) -> Any:
    return html.escape(value) if isinstance(value, str) else value


def _narrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    more = ("value", "menu_id", "event_id") if table == "events" else ()
    names = list(dict.fromkeys([*KEYS[table], *required_columns(table), *more]))
    return pd.DataFrame([[row[name] for name in names] for row in rows], columns=names)


def _derive(events: pd.DataFrame, tables: Stored, dishes: set[str]) -> None:
    people = {row["person_id"] for row in tables["people"]}
    menus = {(row["menu_id"], row["dish_id"]) for row in tables["menus"]}
    on_menus = {dish for _, dish in menus}
    events["dish_exists"] = events["dish_id"].isin(dishes)
    events["person_exists"] = events["person_id"].isin(people)
    chosen = zip(events["kind"], events["menu_id"], events["dish_id"], strict=True)
    events["was_offered"] = [kind != "choice" or (menu, dish) in menus for kind, menu, dish in chosen]
    events["ever_offered"] = events["dish_id"].isin(on_menus) | (not on_menus)
    events["rating_has_value"] = (events["kind"] != "rating") | events["value"].notna()


def _shares(events: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Each person's share of the events."""
    counts = Counter(row["person_id"] for row in events)
    rows = [(person, count / len(events)) for person, count in counts.items()]
    return pd.DataFrame(rows, columns=["person_id", "share_of_events"])


def _figures(tables: Stored, night: NightFacts) -> dict[str, Any]:
    """One row; what cannot be compared yet is empty, which no expectation is about."""
    events = len(tables["events"])
    shift = None
    if night.like_share is not None and night.previous_like_share is not None:
        shift = abs(night.like_share - night.previous_like_share)
    return {
        "night": night.collected_at,
        "dishes": len(tables["dishes"]),
        "events": events,
        "new_events": events - (night.previous_events or 0),
        "newest_event": pd.Timestamp(night.newest) if night.newest else pd.NaT,
        "like_share_shift": float("nan") if shift is None else shift,
        "quarantined_share": night.rows_quarantined / max(1, night.rows_seen),
    }
