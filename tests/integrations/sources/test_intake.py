"""Events taken in by columns end as they do row by row, whatever they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import cycle
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.contract import TABLES, Stored, nfc
from components.domain.preferences.events import (
    Counts,
    Quarantined,
    RawRow,
    content_id,
    quarantined,
    why_refused,
)
from components.domain.preferences.limits import Limits
from components.domain.preferences.refused_text import names_one_of
from components.domain.preferences.reused_ids import MenuIndex
from components.integrations import event_sources
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in
from tests.accepted import rows_of

LIMITS = Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5), {"gone"}, {"app": (0, 100)})
DISHES = [
    {"dish_id": "d1", "name": "Halloumi"},
    {"dish_id": "d2", "name": "Roulade"},
    {"dish_id": "7", "name": "豆腐"},
]
PEOPLE = [{"person_id": name} for name in ("ada", "bob", "café", "7", "gone")]
MENUS = [{"menu_id": "m1", "served_on": "2026-02-01", "dish_id": dish} for dish in ("d1", "7")]
AT = "2026-02-01T12:00:00"
GOOD: dict[str, list[Any]] = {
    "person_id": ["ada", "bob", "café", " ada ", "\x1fada", "cafe\u0301", 7, "7"],
    "dish_id": ["d1", "d2", "7", 7, "d1\u00a0"],
    "kind": ["like", "dislike", "rating", "choice", "order", "retract"],
    "value": [None, 3, 3.0, "3", "", 4.5, 0, 5],
    "menu_id": ["", None, "m1", " m1"],
    "occurred_at": [
        AT,
        "2026-02-01T13:00:00+01:00",
        "2026-02-01",
        1769947200,
        datetime(2026, 2, 1, 12, tzinfo=UTC),
    ],
    "event_id": ["", None, "e1", "e2", " e1", "e3", "e\u0301", "\u00e9"],
    "source": ["", None, "app"],
}
BAD: dict[str, list[Any]] = {
    "person_id": ["", None, "nobody", "gone", "x" * 201, 1.5, True, ["ada"], "\ud800", "   ",
                  "\x1f", "p\0", "a\nb", "ada\x85", float("nan"), float("inf"), 2.0**53, 2**53],
    "dish_id": ["d9", None, {"a": 1}, "d1 (was x)", "d1\x7f", float("nan")],
    "kind": ["LIKE", "", 1, None],
    "value": [-1, 6, 60, float("nan"), float("inf"), "five", True, 10**30, Decimal("3.5"), [3]],
    "menu_id": ["m9", 5, "x" * 300, "m\n1", "\x1e"],
    "occurred_at": ["yesterday", "", None, "2999-01-01", "0001-01-01", 0, 10**30, datetime(2026, 2, 1, 12),
                    datetime(2026, 2, 1, 12, tzinfo=timezone(timedelta(hours=5))), datetime(1970, 1, 1)],
    "event_id": [3, 3.5, "x" * 500, ["e"], "e\0", float("nan"), "\x1fe1", 1e16, 10**16],
    "source": ["other", 4, "app ", "a\0p"],
}  # fmt: skip


def _row() -> st.SearchStrategy[dict[str, Any]]:
    """A row of the contract with at most a few odd values."""
    good = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in GOOD.items()})
    bad = st.one_of(
        *(st.tuples(st.just(name), st.sampled_from(values)) for name, values in BAD.items()),
    )
    return st.builds(lambda row, changes: row | dict(changes), good, st.lists(bad, max_size=1))


def _why_refused(row: dict[str, Any], tables: Stored) -> str:
    """Says which rule an event of the contract breaks; empty where it keeps all."""
    low, high = LIMITS.source_ranges.get(row["source"], LIMITS.value_range)
    offers = [(menu["menu_id"], menu["dish_id"]) for menu in tables["menus"]]
    people = [person["person_id"] for person in tables["people"]]
    if row["dish_id"] not in [dish["dish_id"] for dish in tables["dishes"]]:
        return f"dish_id '{row['dish_id']}' is not in the dishes table"
    if people and row["person_id"] not in people:
        return f"person_id '{row['person_id']}' is not in the people table"
    if row["occurred_at"] > LIMITS.latest:
        return f"occurred_at {row['occurred_at'].isoformat()} lies in the future"
    if row["value"] is not None and not low <= row["value"] <= high:
        setting = f"collect.scales.{row['source']}" if row["source"] == "app" else "check.value_range"
        return f"value {row['value']:g} is not from {low:g} to {high:g}, {setting}"
    if row["kind"] == "rating" and row["value"] is None:
        return "a rating needs a value"
    if row["kind"] == "choice" and row["menu_id"] not in [menu for menu, _ in offers]:
        return f"menu_id '{row['menu_id']}' of a choice is not in the menus table"
    if row["kind"] == "choice" and (row["menu_id"], row["dish_id"]) not in offers:
        return f"dish_id '{row['dish_id']}' was not offered on menu '{row['menu_id']}'"
    return ""


def _by_row(
    rows: Sequence[dict[str, Any]], before: list[dict[str, Any]], tables: Stored
) -> tuple[list[dict[str, Any]], Counts, list[Quarantined]]:
    """Takes in a night's events one by one: returns all events, their counts, and the refused ones."""
    events, counts, refused = {row["event_id"]: row for row in before}, Counts(len(rows)), []
    for raw in _raw(rows):
        if names_one_of(LIMITS.forgotten, raw.values):
            counts.forgotten += 1
            continue
        reason = why_refused("events", raw)
        if not reason:
            filled = {name: nfc(value) for name, value in raw.values.items() if value not in {None, ""}}
            row = TABLES["events"].model_validate(filled).model_dump()
            row["event_id"] = row["event_id"] or content_id(row)
            stored = events.get(row["event_id"])
            dish = stored["dish_id"] if stored else None
            row["dish_id"] = MenuIndex(tables).meant(row["dish_id"], row["menu_id"], dish)
            if row == stored:
                counts.duplicates += 1
                continue
            reason = _why_refused(row, tables)
            if not reason and stored:
                reason = f"event_id '{row['event_id']}' already names a different row"
        if reason:
            counts.quarantined += 1
            refused.append(quarantined("events", raw, reason))
        else:
            counts.accepted += 1
            events[row["event_id"]] = row
    return sorted(events.values(), key=itemgetter("event_id")), counts, refused


def _tables(*, people: bool, dish: str = "Halloumi") -> dict[str, Any]:
    some = {"dishes": [{**DISHES[0], "name": dish}, *DISHES[1:]], "menus": MENUS}
    some["people"] = PEOPLE if people else []
    return {
        name: [RawRow(name, line, row) for line, row in enumerate(rows, 1)] for name, rows in some.items()
    }


def _nights(
    nights: Sequence[Sequence[dict[str, Any]]], *, people: bool = False, dishes: Sequence[str] = ("Halloumi",)
) -> list[Intake]:
    """Takes in each night's rows; row by row each ends alike."""
    stored: Stored = {table: [] for table in TABLES if table != "events"}
    events, results = event_sources.no_events(), []
    for rows, dish in zip(nights, cycle(dishes), strict=False):
        incoming = _tables(people=people, dish=dish)
        numbered = rows_of(_raw(rows))
        intake = take_in({**incoming, "events": numbered}, stored, events, LIMITS)
        stored, collected = intake.collected.tables, intake.collected
        expected = _by_row(rows, intake.before[1].to_pylist(), stored)
        assert intake.events.to_pylist() == expected[0]
        assert collected.counts["events"] == expected[1]
        assert [row for row in collected.quarantined if row.table == "events"] == expected[2]
        events = intake.events
        results.append(intake)
    return results


@given(
    nights=st.lists(st.lists(_row(), max_size=30), min_size=1, max_size=3),
    people=st.booleans(),
    dishes=st.lists(st.sampled_from(["Halloumi", "Halloumi", "Lentil soup"]), min_size=1, max_size=3),
)
def test_whatever_comes_each_row_ends_as_it_does_by_itself(
    nights: list[list[dict[str, Any]]], people: bool, dishes: list[str]
) -> None:
    _nights(nights, people=people, dishes=dishes)


def _event(number: int, dish: str = "d1", **more: Any) -> dict[str, Any]:
    at = (datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat()
    return {"person_id": f"p{number % 9}", "dish_id": dish, "kind": "like", "occurred_at": at, **more}


def test_ids_of_a_column_of_floats_are_events_only_where_they_are_exact() -> None:
    exact = [
        _event(number, person_id=float(number % 9), event_id=2.0**53 - number) for number in range(1, 41)
    ]
    merged = [_event(number, person_id=2.0**53 + number) for number in range(40)]
    (intake,) = _nights([[*exact, *merged]])
    assert set(intake.events["event_id"].to_pylist()) == {str(2**53 - n) for n in range(1, 41)}
    assert len(intake.collected.quarantined) == 40


def test_the_same_rows_again_and_twice_are_duplicates_and_one_that_differs_is_quarantined() -> None:
    rows = [_event(number, event_id=f"e{number}") for number in range(60)]
    again = [*rows, rows[3], _event(4, event_id="e4", dish="d2"), *rows[:5]]
    first, second = _nights([rows, again])
    assert first.collected.counts["events"].accepted == 60
    assert second.collected.counts["events"].duplicates == 66
    assert [row.reason for row in second.collected.quarantined] == [
        "event_id 'e4' already names a different row"
    ]


def test_rows_of_one_id_that_differ_within_a_night_go_by_their_order() -> None:
    rows = [_event(number, event_id="e") for number in range(40)]
    (intake,) = _nights([rows])
    assert [row["occurred_at"].minute for row in intake.events.to_pylist()] == [0]
    assert intake.collected.counts["events"].quarantined == 39


def test_an_id_that_is_used_for_another_dish_leads_past_events_to_the_dish_of_before() -> None:
    rows = [_event(number) for number in range(50)]
    more = [*rows, *(_event(number) for number in range(50, 90))]
    second = _nights([rows, more], dishes=["Halloumi", "Kohlrabi casserole"])[1]
    assert {row["dish_id"] for row in second.events.to_pylist()} == {"d1", "d1 (was Halloumi)"}
    tables_before, events_before = second.before
    dishes_first = {**tables_before, "dishes": second.collected.tables["dishes"]}
    incoming = _tables(people=False, dish="Kohlrabi casserole")
    incoming["events"] = rows_of(_raw(more))
    for stored in (tables_before, dishes_first, second.collected.tables):  # killed after it wrote each
        after = take_in(incoming, stored, events_before, LIMITS)
        assert after.events.equals(second.events)
        assert after.collected.tables == second.collected.tables


def _raw(rows: Iterable[dict[str, Any]]) -> Iterator[RawRow]:
    return (RawRow("e.jsonl", line, row) for line, row in enumerate(rows, 1))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_of_each_form_gives_the_same_events(tmp_path: Path, form: str) -> None:
    rows = [_event(number, event_id=f"e{number}", value="", source="") for number in range(200)]
    rows += [
        _event(number, event_id=f"r{number}", kind="rating", value=f"{number % 6}") for number in range(200)
    ]
    frame = pd.DataFrame(rows).fillna("")
    path = tmp_path / f"events.{form}"
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    pd.DataFrame(DISHES).to_csv(tmp_path / "dishes.csv", index=False)
    reading = Folder(str(tmp_path)).read({})
    nothing: Stored = {table: [] for table in TABLES if table != "events"}
    intake = take_in(reading.tables, nothing, event_sources.no_events(), LIMITS)
    assert intake.collected.counts["events"] == Counts(400, 400)
    assert (
        intake.events
        == take_in(
            {"dishes": reading.tables["dishes"], "events": rows_of(_raw(rows))},
            nothing,
            event_sources.no_events(),
            LIMITS,
        ).events
    )
