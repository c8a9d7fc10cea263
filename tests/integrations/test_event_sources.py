"""Accepted tables and quarantined rows come back as they were stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.diet.nutrition import COSTS
from components.domain.errors import StageFailed
from components.domain.preferences.contract import columns
from components.domain.preferences.event_columns import Coded, EventColumns
from components.domain.preferences.events import Quarantined
from components.domain.preferences.refused_text import is_named, is_torn
from components.integrations import event_sources, quarantine
from tests.accepted import events_of, stored_events

NOTHING: dict[str, list[dict[str, Any]]] = {"dishes": [], "people": [], "menus": []}


def test_equal_tables_are_equal_bytes_and_come_back(tmp_path: Path) -> None:
    dish = dict.fromkeys(columns("dishes")) | {
        "dish_id": "d1",
        "name": "Pea stew",
        "tags": ("soup",),
        "ingredients": (),
    }
    for folder in ("one", "two"):
        event_sources.write_tables(tmp_path / folder, {**NOTHING, "dishes": [dish]}, events_of([]))
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert event_sources.read_tables(tmp_path / "one")["dishes"] == [dish]


def test_costs_that_no_dish_states_are_no_columns_and_stated_ones_come_back(tmp_path: Path) -> None:
    before = [name for name in columns("dishes") if name not in COSTS]
    stew, peas = (dict.fromkeys(columns("dishes")) | {"dish_id": key, "name": key} for key in ("d1", "d2"))
    for price, names in ((None, before), (2.5, [*before, "price"])):
        stew["price"] = price
        event_sources.write_tables(tmp_path, {**NOTHING, "dishes": [stew, peas]}, events_of([]))
        assert pq.read_schema(tmp_path / "dishes.parquet").names == names
        assert event_sources.read_tables(tmp_path)["dishes"] == [stew, peas]


def test_a_column_that_the_contract_lost_is_gone_after_the_next_night(tmp_path: Path) -> None:
    ada = dict.fromkeys(columns("people")) | {"person_id": "ada", "allergies": ("milk",), "avoids": ()}
    path = tmp_path / "people.parquet"
    pq.write_table(pa.Table.from_pylist([ada | {"birth_year": 1984, "goal": "lose"}]), path)
    tables = event_sources.read_tables(tmp_path)
    assert tables["people"] == [ada]
    event_sources.write_tables(tmp_path, tables, events_of([]))
    assert pq.read_schema(path).names == list(columns("people"))


def test_a_quarantined_row_is_kept_once_however_often_it_comes(tmp_path: Path) -> None:
    row = Quarantined("events", "events.csv", 3, "lies in the future", '{"person_id": "ada"}')
    assert quarantine.add(tmp_path, [row]) == 1
    assert quarantine.add(tmp_path, [row]) == 0
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("end", ['{"table": "events", "row": "{ada', "night 5", "[]", "\udcff ada"])
def test_a_torn_line_of_the_quarantine_is_a_row_like_any_torn_line(tmp_path: Path, end: str) -> None:
    row = Quarantined("events", "events.csv", 3, "lies in the future", '{"person_id": "bob"}')
    quarantine.add(tmp_path, [row])
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes() + end.encode(errors="surrogateescape"))
    assert quarantine.add(tmp_path, [row]) == 0
    (bob, torn) = quarantine.rows_of(tmp_path, "events")
    assert bob == {"person_id": "bob"}
    assert is_torn(torn)
    assert quarantine.holds([path], partial(is_named, {"ada"})) == ("ada" in end)
    assert quarantine.remove(tmp_path, partial(is_named, {"ada"})) == ("ada" in end)
    assert quarantine.rows_of(tmp_path, "events")[0] == {"person_id": "bob"}


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b", "a\x85b", "\0"])
def test_a_quarantined_row_stays_one_line_whatever_was_typed(tmp_path: Path, text: str) -> None:
    row = Quarantined("events", "e.jsonl", 3, "is no row", f"person {text}")
    assert quarantine.add(tmp_path, [row]) == 1
    assert quarantine.add(tmp_path, [row]) == 0
    (line,) = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["row"] == f"person {text}"


def _event(number: int, at: datetime) -> dict[str, Any]:
    row = dict.fromkeys(columns("events"), "") | {"event_id": f"e{number:05}", "value": None, "kind": "like"}
    return row | {"person_id": f"p{number % 7}", "dish_id": "d1", "occurred_at": at}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "events").iterdir()}


def _columns(folder: Path) -> EventColumns:
    return event_sources.event_columns(event_sources.read_events(folder))


def _assert_equal(one: EventColumns, other: EventColumns) -> None:
    for name, column in vars(one).items():
        expected = getattr(other, name)
        if isinstance(column, Coded):
            assert column.names == expected.names
            column, expected = column.number, expected.number
        assert column.dtype == expected.dtype
        assert np.array_equal(column, expected, equal_nan=name == "value")


def test_events_are_columns_of_their_rows_in_the_order_of_ids(tmp_path: Path) -> None:
    start = datetime(2026, 10, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    events = [_event(number, start + timedelta(hours=7 * number)) for number in range(20)]
    for row, name in zip(events, ["борщ", "\U0001f35b", "\uff5e", "a\0", "a", "", "豆"] * 3, strict=False):
        row |= {"dish_id": name, "source": name, "menu_id": name[:1]}
    events[3] |= {"kind": "rating", "value": -0.0}
    events[4] |= {"kind": "retract", "value": 4.5}
    event_sources.write_tables(tmp_path, NOTHING, events_of(events[::-1]))
    _assert_equal(_columns(tmp_path), EventColumns.of(events))
    _assert_equal(_columns(tmp_path / "nothing"), EventColumns.of([]))


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))
CLOSE = st.datetimes(datetime(2026, 10, 25), datetime(2026, 11, 5), timezones=st.just(UTC))


@settings(max_examples=60)
@given(st.lists(MOMENTS | CLOSE, max_size=12), st.lists(MOMENTS | CLOSE, max_size=12))
def test_events_come_back_by_id_whatever_their_days_and_whatever_was_there(
    tmp_path_factory: pytest.TempPathFactory, first: list[datetime], second: list[datetime]
) -> None:
    folder, fresh = tmp_path_factory.mktemp("events"), tmp_path_factory.mktemp("fresh")
    for moments in (first, second):  # the second night may hold less than the first: people are forgotten
        events = [_event(number, at) for number, at in enumerate(moments)]
        event_sources.write_tables(folder, NOTHING, events_of(events))
        assert stored_events(folder) == events
        _assert_equal(_columns(folder), EventColumns.of(events))
    event_sources.write_tables(fresh, NOTHING, events_of(events))
    assert not (fresh / "events").exists() or _contents(folder) == _contents(fresh)


def test_a_night_writes_the_files_of_its_news_and_a_month_is_compacted_once(tmp_path: Path) -> None:
    start, events, written = datetime(2026, 9, 15, 12, tzinfo=UTC), list[dict[str, Any]](), 0
    for night in range(60):
        before = _contents(tmp_path) if night else {}
        events += [_event(5 * night + more, start + timedelta(days=night)) for more in range(5)]
        event_sources.write_tables(tmp_path, NOTHING, events_of(events))
        after = _contents(tmp_path)
        changed = {name for name, content in after.items() if before.get(name) != content}
        today = start + timedelta(days=night)
        new_month = {(today - timedelta(days=1)).strftime("%Y-%m")} if today.day == 1 else set()
        assert {name.removesuffix(".parquet") for name in changed} == {today.strftime("%Y-%m-%d")} | new_month
        written += len(changed)
    assert written == 62
    assert stored_events(tmp_path) == events


def test_a_night_killed_while_it_compacts_leaves_no_event_twice(tmp_path: Path) -> None:
    start = datetime(2026, 10, 30, tzinfo=UTC)
    events = [_event(number, start + timedelta(days=number)) for number in range(2)]
    event_sources.write_tables(tmp_path, NOTHING, events_of(events))
    days = _contents(tmp_path)
    more = [*events, _event(2, start + timedelta(days=2))]
    event_sources.write_tables(tmp_path, NOTHING, events_of(more))
    for name, content in days.items():  # as if the process had ended before it removed them
        (tmp_path / "events" / name).write_bytes(content)
    assert stored_events(tmp_path) == more
    event_sources.write_tables(tmp_path, NOTHING, events_of(more))
    assert sorted(_contents(tmp_path)) == ["2026-10.parquet", "2026-11-01.parquet"]


def test_the_one_file_of_earlier_versions_is_read_and_replaced(tmp_path: Path) -> None:
    events = [_event(number, datetime(2026, 10, 30, tzinfo=UTC)) for number in range(3)]
    event_sources.write_tables(tmp_path, NOTHING, events_of(events))
    (file,) = (tmp_path / "events").iterdir()
    file.rename(tmp_path / "events.parquet")
    assert stored_events(tmp_path) == events
    event_sources.write_tables(tmp_path, NOTHING, events_of(events))
    assert not (tmp_path / "events.parquet").exists()
    assert stored_events(tmp_path) == events


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.8])
def test_a_flipped_byte_in_stored_events_is_one_sentence(tmp_path: Path, at: float) -> None:
    events = [_event(number, datetime(2026, 10, 30, tzinfo=UTC)) for number in range(500)]
    event_sources.write_tables(tmp_path, NOTHING, events_of(events))
    (file,) = (tmp_path / "events").iterdir()
    content = bytearray(file.read_bytes())
    pages = (
        pq.ParquetFile(pa.BufferReader(bytes(content))).metadata.row_group(0).column(0).total_compressed_size
    )
    content[4 + int(at * pages)] ^= 255
    file.write_bytes(content)
    with pytest.raises(StageFailed, match=r"\.parquet is damaged .*dvc checkout --force data/events\.dvc"):
        event_sources.read_events(tmp_path)
