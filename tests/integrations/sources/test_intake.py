"""Rows taken in by columns end as they do row by row, whatever they say; the contract is written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.preferences.contract import TABLES, Stored
from components.domain.preferences.events import Collected, RawRow, accept
from components.domain.preferences.limits import Limits
from components.integrations import event_sources
from components.integrations.sources.batches import Rows
from components.integrations.sources.contract_columns import keep_the_rules, parsed
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in

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


def _by_row(nights: Sequence[Iterable[dict[str, Any]]], tables: dict[str, Any]) -> list[Collected]:
    """Each night through the contract, row by row."""
    stored: Stored = {}
    results = []
    for rows in nights:
        raw = {"events": [RawRow("e.jsonl", line, row) for line, row in enumerate(rows, 1)]}
        results.append(accept({**tables, **raw}, stored, LIMITS))
        stored = results[-1].tables
    return results


def _by_columns(
    nights: Sequence[Iterable[dict[str, Any]]], tables: dict[str, Any], fewest: int
) -> list[Intake]:
    stored: Stored = {table: [] for table in TABLES if table != "events"}
    events, results = event_sources.no_events(), []
    for rows in nights:
        numbered = (RawRow("e.jsonl", line, row) for line, row in enumerate(rows, 1))
        raw = Rows.of("e.jsonl", numbered, fewest)
        results.append(take_in({**tables, "events": raw}, stored, events, LIMITS))
        stored, events = results[-1].collected.tables, results[-1].events
    return results


def _tables(*, people: bool) -> dict[str, Any]:
    some = {"dishes": DISHES, "menus": MENUS, "people": PEOPLE if people else []}
    return {
        name: [RawRow(name, line, row) for line, row in enumerate(rows, 1)] for name, rows in some.items()
    }


def _assert_alike(
    nights: Sequence[Iterable[dict[str, Any]]], tables: dict[str, Any], fewest: int = 1
) -> list[tuple[Collected, Intake]]:
    pairs = list(zip(_by_row(nights, tables), _by_columns(nights, tables, fewest), strict=True))
    for one, other in pairs:
        assert other.events.to_pylist() == one.tables["events"]
        assert other.collected.counts == one.counts
        assert other.collected.quarantined == one.quarantined
        assert {**other.collected.tables, "events": one.tables["events"]} == one.tables
    return pairs


@pytest.mark.parametrize("fewest", [1, 3, 20])
@settings(max_examples=120, deadline=None)
@given(nights=st.lists(st.lists(_row(), max_size=25), min_size=1, max_size=3), people=st.booleans())
def test_both_ways_end_alike(nights: list[list[dict[str, Any]]], people: bool, fewest: int) -> None:
    _assert_alike(nights, _tables(people=people), fewest)


def _event(number: int, dish: str = "d1", **more: Any) -> dict[str, Any]:
    at = (datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat()
    return {"person_id": f"p{number % 9}", "dish_id": dish, "kind": "like", "occurred_at": at, **more}


def test_ids_of_a_column_of_floats_are_events_only_where_they_are_exact() -> None:
    exact = [
        _event(number, person_id=float(number % 9), event_id=2.0**53 - number) for number in range(1, 41)
    ]
    merged = [_event(number, person_id=2.0**53 + number) for number in range(40)]
    ((_, intake),) = _assert_alike([[*exact, *merged]], _tables(people=False))
    assert set(intake.events["event_id"].to_pylist()) == {str(2**53 - n) for n in range(1, 41)}
    assert len(intake.collected.quarantined) == 40


def test_the_same_rows_again_and_twice_are_duplicates_and_one_that_differs_is_quarantined() -> None:
    rows = [_event(number, event_id=f"e{number}") for number in range(60)]
    again = [*rows, rows[3], _event(4, event_id="e4", dish="d2"), *rows[:5]]
    (_, first), (_, second) = _assert_alike([rows, again], _tables(people=False))
    assert first.collected.counts["events"].accepted == 60
    assert second.collected.counts["events"].duplicates == 66
    assert [row.reason for row in second.collected.quarantined] == [
        "event_id 'e4' already names a different row"
    ]


def test_rows_of_one_id_that_differ_within_a_night_go_by_their_order() -> None:
    rows = [_event(number, event_id="e") for number in range(40)]
    ((_, intake),) = _assert_alike([rows], _tables(people=False))
    assert [row["occurred_at"].minute for row in intake.events.to_pylist()] == [0]
    assert intake.collected.counts["events"].quarantined == 39


def test_an_id_that_is_used_for_another_dish_leads_past_events_to_the_dish_of_before() -> None:
    rows = [_event(number) for number in range(50)]
    other = [{"dish_id": "d1", "name": "Kohlrabi casserole"}, *DISHES[1:]]
    tables = [_tables(people=False), _tables(people=False)]
    tables[1]["dishes"] = [RawRow("dishes", line, row) for line, row in enumerate(other, 1)]
    nights = [rows, [*rows, *(_event(number) for number in range(50, 90))]]
    stored: Stored = {}
    one: list[Collected] = []
    for night, others in zip(nights, tables, strict=True):
        raw = [RawRow("e.jsonl", line, row) for line, row in enumerate(night, 1)]
        one.append(accept({**others, "events": raw}, stored, LIMITS))
        stored = one[-1].tables
    first = _by_columns([nights[0]], tables[0], 1)[0]
    raw_rows = Rows.of("e.jsonl", [RawRow("e.jsonl", line, row) for line, row in enumerate(nights[1], 1)])
    arguments = {**tables[1], "events": raw_rows}
    second = take_in(arguments, first.collected.tables, first.events, LIMITS)
    assert second.events.to_pylist() == one[1].tables["events"]
    assert {row["dish_id"] for row in second.events.to_pylist()} == {"d1", "d1 (was Halloumi)"}
    tables_before, events_before = second.before
    dishes_first = {**tables_before, "dishes": second.collected.tables["dishes"]}
    for stored in (tables_before, dishes_first, second.collected.tables):  # killed after it wrote each
        after = take_in(arguments, stored, events_before, LIMITS)
        assert after.events.equals(second.events)
        assert after.collected.tables == second.collected.tables


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
    by_row = accept(reading.tables, {}, LIMITS)
    assert intake.events.to_pylist() == by_row.tables["events"]
    assert intake.collected.counts == by_row.counts
    assert intake.collected.counts["events"].quarantined == sum(number % 6 == 6 for number in range(200))


def test_plain_rows_are_sorted_by_columns_alone() -> None:
    rows = [_event(number) for number in range(300)]
    raw = pa.Table.from_pylist(rows)
    events, plain = parsed(raw, event_sources.no_events().schema)
    assert plain.all()
    tables: Stored = {"dishes": DISHES, "people": [], "menus": []}
    assert keep_the_rules(events, tables, LIMITS).all()
