"""A cell for which Python has no value quarantines its row, or is one sentence; other rows are accepted."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.limits import Limits
from components.domain.refused_people import with_refused
from components.integrations import event_sources, quarantine
from components.integrations.sources import Source
from components.integrations.sources.database import Database
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in

LIMITS = Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5))
COUNT, ODD = 300, 7  # rows, and the position of the one with an odd cell
START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS: dict[str, Any] = {
    "person_id": [f"p{number}" for number in range(COUNT)],
    "dish_id": ["d1"] * COUNT,
    "kind": ["like"] * COUNT,
    "occurred_at": [START + timedelta(minutes=number) for number in range(COUNT)],
}


def _numbers(kind: pa.DataType, good: int, bad: int) -> pa.Array:
    plain = pa.int32() if kind == pa.date32() else pa.int64()
    return pa.array([bad if number == ODD else good for number in range(COUNT)], plain).cast(kind)


def _texts(bad: bytes = b"Jos\xe9") -> pa.Array:
    content = [bad if number == ODD else f"p{number}".encode() for number in range(COUNT)]
    return pa.Array.from_buffers(pa.string(), COUNT, [None, *pa.array(content, pa.binary()).buffers()[1:]])


def _night(source: Source) -> Intake:
    nothing: dict[str, list[dict[str, Any]]] = {"dishes": [], "people": [], "menus": []}
    return take_in(source.read({}).tables, nothing, event_sources.no_events(), LIMITS)


CELLS = {
    "milliseconds": ("occurred_at", _numbers(pa.timestamp("ms"), 1767225600000, 10**15)),
    "seconds": ("occurred_at", _numbers(pa.timestamp("s"), 1767225600, 10**12)),
    "microseconds": ("occurred_at", _numbers(pa.timestamp("us", tz="UTC"), 1767225600000000, 10**18)),
    "days": ("occurred_at", _numbers(pa.date32(), 20454, 10**7)),
    "milliseconds of days": ("occurred_at", _numbers(pa.date64(), 20454 * 86_400_000, 10**7 * 86_400_000)),
    "a text that is not UTF-8": ("person_id", _texts()),
    "a text of a list that is not UTF-8": ("source", pa.array([["a"]] * COUNT)),
}


@pytest.mark.parametrize("name", CELLS)
def test_an_odd_cell_of_parquet_quarantines_its_row_alone(tmp_path: Path, name: str) -> None:
    column, cells = CELLS[name]
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    pq.write_table(pa.table({**EVENTS, column: cells}), tmp_path / "events.parquet")
    collected = _night(Folder(str(tmp_path))).collected
    refused = COUNT if column == "source" else 1
    assert (collected.counts["events"].accepted, len(collected.quarantined)) == (COUNT - refused, refused)
    if refused == 1:
        (row,) = collected.quarantined
        assert (row.line, row.reason.split(":")[0]) == (ODD + 1, column)
        assert "which cannot be read (" in row.reason
        assert "10000000" in row.row or r"Jos\\xe9" in row.row


def test_durations_and_views_are_read_or_refused_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    views = pa.array(EVENTS["person_id"], pa.string_view())
    pq.write_table(pa.table({**EVENTS, "person_id": views}), tmp_path / "events-1.parquet")
    far = pa.array([10**18 if number == ODD else None for number in range(COUNT)], pa.duration("s"))
    pq.write_table(pa.table({**EVENTS, "value": far}), tmp_path / "events-2.parquet")
    collected = _night(Folder(str(tmp_path))).collected
    counts = collected.counts["events"]
    assert (counts.accepted, counts.duplicates, counts.quarantined) == (COUNT, COUNT - 1, 1)
    assert "10000000" in collected.quarantined[0].reason


def test_odd_cells_of_dishes_menus_and_people_quarantine_their_rows(tmp_path: Path) -> None:
    served = _numbers(pa.date32(), 20454, 10**7)
    menus = {"menu_id": EVENTS["person_id"], "served_on": served, "dish_id": EVENTS["dish_id"]}
    pq.write_table(pa.table(menus), tmp_path / "menus.parquet")
    names = {"dish_id": ["d1", *EVENTS["person_id"][1:]], "name": _texts()}
    pq.write_table(pa.table(names), tmp_path / "dishes.parquet")
    offsets = pa.array(range(COUNT + 1), pa.int32())
    people = {
        "person_id": EVENTS["person_id"],
        "allergies": pa.ListArray.from_arrays(offsets, _texts(b"n\xfcsse")),
    }
    pq.write_table(pa.table(people), tmp_path / "people.parquet")
    pq.write_table(pa.table(EVENTS), tmp_path / "events.parquet")
    collected = _night(Folder(str(tmp_path))).collected
    refused = {row.table: row.line for row in collected.quarantined}
    assert refused == {"dishes": ODD + 1, "menus": ODD + 1, "people": ODD + 1, "events": ODD + 1}
    quarantine.add(tmp_path / "quarantine", collected.quarantined)
    rows = quarantine.rows_of(tmp_path / "quarantine", "people")
    published = {row["person_id"]: row for row in with_refused(collected.tables["people"], rows)}
    assert "n\u00fcsse" in published[f"p{ODD}"]["allergies"]


def test_a_text_of_sqlite_that_is_not_utf_8_quarantines_its_row_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "meals.db") as connection:
        connection.execute("CREATE TABLE dishes (dish_id TEXT, name TEXT)")
        connection.execute("INSERT INTO dishes VALUES ('d1', 'Halloumi')")
        connection.execute(
            "CREATE TABLE events (person_id TEXT, dish_id TEXT, kind TEXT, occurred_at TEXT, x TEXT)"
        )
        person = "CAST(x'4a6f73e9' AS TEXT)"
        for name, other in (("'ada'", "'a'"), (person, "'a'"), ("'bob'", person)):
            values = f"({name}, 'd1', 'like', '2026-01-01', {other})"
            connection.execute(f"INSERT INTO events VALUES {values}")  # noqa: S608 - a test's own
    connection.close()
    collected = _night(Database(f"sqlite:///{tmp_path}/meals.db")).collected
    assert collected.counts["events"].accepted == 2  # nobody reads the column that the contract does not have
    (row,) = collected.quarantined
    assert r"person_id: input should be a valid string, got 'Jos\\xe9'" in row.reason


@pytest.mark.parametrize("moment", ["0044-03-15 BC", "20000-01-01"])
def test_a_moment_of_postgresql_beyond_the_calendar_is_one_sentence_with_a_way_out(
    server: str, moment: str
) -> None:
    columns = "'ada' AS person_id, 'd1' AS dish_id, 'like' AS kind"
    moments = f"(VALUES (TIMESTAMP '{moment}'), ('2026-01-01')) AS t (at)"
    query = f"SELECT {columns}, at::TYPE AS occurred_at FROM {moments}"  # noqa: S608 - a test's own
    tables = {
        "events": query.replace("TYPE", "timestamp"),
        "dishes": "SELECT 'd1' AS dish_id, 'Soup' AS name",
    }
    with pytest.raises(
        DataRejected, match=r": events holds a value that cannot be read \(.*collect\.tables\.events"
    ):
        _night(Database(server, tables))
    as_text = {**tables, "events": query.replace("TYPE", "text")}
    collected = _night(Database(server, as_text)).collected
    assert (collected.counts["events"].accepted, len(collected.quarantined)) == (1, 1)
