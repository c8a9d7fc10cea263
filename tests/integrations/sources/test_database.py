"""A database gives what files of the same rows give, from a watermark on the news, and is never changed."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.limits import Limits
from components.integrations.sources.database import PASSWORD, Database
from components.integrations.sources.folder import Folder
from tests.accepted import accept
from tests.conftest import REPO

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(datetime(2030, 1, 1, tzinfo=UTC), (0.0, 100.0))
COLUMNS = {"events": {"person_id": "user", "occurred_at": "at"}}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/meals.db"
    server: str = request.getfixturevalue("server")
    with sa.create_engine(server).begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    return server


def _write(url: str, table: str, rows: list[dict[str, Any]], **types: Any) -> None:
    """Adds rows to a table, which is made where it is not there."""
    engine, metadata = sa.create_engine(url), sa.MetaData()
    columns = [sa.Column(name, types.get(name, sa.Text)) for name in rows[0]]
    with engine.begin() as connection:
        sa.Table(table, metadata, *columns)
        metadata.create_all(connection)
        connection.execute(metadata.tables[table].insert(), rows)
    engine.dispose()


def _event(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    return {"event_id": f"e{number}", "user": "ada", "dish_id": "d1", "kind": "like", "at": at, **more}


TIME = {"at": sa.DateTime(timezone=True), "added": sa.DateTime(timezone=True)}


def test_a_database_gives_what_files_of_the_same_rows_give(url: str) -> None:
    sample = Folder(str(REPO / "data" / "sample" / "canteen")).read({})
    for table, rows in sample.tables.items():
        _write(url, table, [dict(row.values) for row in rows])
    there = Database(url).read({})
    assert there.watermarks == {}
    assert {name: len(rows) for name, rows in there.tables.items()} == {
        name: len(rows) for name, rows in sample.tables.items()
    }
    assert accept(there.tables, {}, LIMITS).tables == accept(sample.tables, {}, LIMITS).tables


def test_tables_may_have_other_names_or_be_queries_with_what_a_query_may_hold(url: str) -> None:
    _write(url, "dish list", [{"dish_id": "d1", "name": "100 % : soup"}])
    _write(url, "log", [_event(1, START), _event(2, START) | {"kind": "skip: 12:30 %"}], **TIME)
    query = "SELECT *, 'app' AS source FROM log WHERE kind NOT LIKE 'skip: 12:30 %';"
    reading = Database(url, {"events": query, "dishes": "dish list"}, COLUMNS).read({})
    assert [row.values["event_id"] for row in reading.tables["events"]] == ["e1"]
    assert [row.values["source"] for row in reading.tables["events"]] == ["app"]
    assert accept(reading.tables, {}, LIMITS).counts["events"].accepted == 1
    assert [row.values["name"] for row in reading.tables["dishes"]] == ["100 % : soup"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM log -- all that was said",
        "-- what was said: all of it\n/* since\n2026 */ select*from log",
        "(SELECT * FROM log)",
        " ((SELECT * FROM log)) ",
        "WITH said AS (SELECT * FROM log) SELECT * FROM said",
    ],
)
def test_a_query_may_end_in_a_comment_or_stand_in_parentheses(url: str, query: str) -> None:
    _write(url, "log", [_event(1, START)], **TIME)
    (row,) = Database(url, {"events": query}, COLUMNS).read({}).tables["events"]
    assert row.values["event_id"] == "e1"


def test_a_table_whose_name_begins_like_a_query_is_a_table(url: str) -> None:
    _write(url, "select-list", [_event(1, START)], **TIME)
    assert len(Database(url, {"events": "select-list"}, COLUMNS).read({}).tables["events"]) == 1


@pytest.mark.parametrize(
    ("tables", "part"),
    [
        ({"events": ""}, "collect.tables.events is empty: name a table or a SELECT"),
        ({"events": "log", "dishes": " \n"}, "collect.tables.dishes is empty: name a table or a SELECT"),
        ({"events": "meals."}, "collect.tables.events is 'meals.', which names no table: name a table or"),
    ],
)
def test_a_setting_that_names_no_table_is_one_sentence(url: str, tables: dict[str, str], part: str) -> None:
    _write(url, "log", [_event(1, START)], **TIME)
    with pytest.raises(BadParams, match=part):
        Database(url, tables, COLUMNS).read({})


@pytest.mark.parametrize(
    "query", ["SELECT *, 'like' AS kind FROM log", "SELECT a.*, b.kind FROM log a JOIN log b ON 1 = 1"]
)
def test_a_query_with_one_column_twice_is_refused(url: str, query: str) -> None:
    _write(url, "log", [_event(1, START)], **TIME)
    with pytest.raises(DataRejected, match=r"events has the column 'kind' twice: keep the one that is meant"):
        Database(url, {"events": query}, COLUMNS).read({})


def test_a_column_that_is_named_like_a_second_one_is_read(url: str) -> None:
    _write(url, "log", [_event(1, START) | {"note:1": "x"}], **TIME)
    names = {"events": {**COLUMNS["events"], "source": "note:1"}}
    (row,) = Database(url, {"events": "log"}, names).read({}).tables["events"]
    assert row.values["source"] == "x"


@pytest.mark.parametrize("as_text", [False, True])
def test_a_reading_goes_on_from_the_watermark_and_sees_what_comes_late(url: str, as_text: bool) -> None:
    def rows(*days: int) -> list[dict[str, Any]]:
        values = [_event(day, START, added=START + timedelta(days=day)) for day in days]
        return [{**row, "added": row["added"].isoformat(sep=" ")} if as_text else row for row in values]

    types = {"at": TIME["at"]} if as_text else TIME
    database = Database(url, {}, COLUMNS, {"events": "added"}, timedelta(days=2))
    _write(url, "events", rows(0, 1, 10), **types)
    first = database.read({})
    assert len(first.tables["events"]) == 3
    _write(url, "events", [*rows(3, 9, 11), _event(99, START, added=None)], **types)
    second = database.read(first.watermarks)
    ids = {row.values["event_id"] for row in second.tables["events"]}
    assert ids == {"e9", "e10", "e11", "e99"}  # day 3 came later than the overlap allows
    third = database.read(second.watermarks)
    assert third.watermarks == second.watermarks
    stored = accept(first.tables | {"dishes": _dish()}, {}, LIMITS).tables
    counts = accept(second.tables, stored, LIMITS).counts["events"]
    assert (counts.accepted, counts.duplicates, counts.quarantined) == (3, 1, 0)


def _dish() -> list[Any]:
    from components.domain.preferences.events import RawRow

    return [RawRow("dishes", 1, {"dish_id": "d1", "name": "soup"})]


def test_the_night_after_nothing_new_reads_nothing_and_is_no_error(url: str) -> None:
    _write(url, "events", [_event(1, START, added=START)], **TIME)
    database = Database(url, {}, COLUMNS, {"events": "added"})
    assert len(database.read({}).tables["events"]) == 1
    later = {"events": (START + timedelta(days=3)).isoformat()}
    assert len(database.read(later).tables["events"]) == 0


def test_a_table_that_was_emptied_is_an_error_only_where_no_night_had_events(url: str) -> None:
    _write(url, "log", [_event(1, START)], **TIME)
    database = Database(url, {"events": "SELECT * FROM log WHERE kind = 'none'"}, COLUMNS)
    assert len(database.read({}, has_earlier=True).tables["events"]) == 0


def test_values_of_a_databases_own_types_are_read(url: str) -> None:
    names = {"person_id": uuid.UUID(int=7), "dish_id": 12, "kind": "rating", "value": Decimal("4.5")}
    day = {"menu_id": 3, "served_on": date(2026, 3, 1), "dish_id": 12}
    numbers = {"dish_id": sa.Integer, "menu_id": sa.Integer, "served_on": sa.Date}
    _write(url, "dishes", [{"dish_id": 12, "name": "soup"}], dish_id=sa.Integer)
    _write(url, "menus", [day], **numbers)
    _write(
        url, "events", [{**names, "at": START}],
        dish_id=sa.Integer, person_id=sa.Uuid, value=sa.Numeric(5, 2), at=TIME["at"],
    )  # fmt: skip
    collected = accept(Database(url, {}, {"events": {"occurred_at": "at"}}).read({}).tables, {}, LIMITS)
    assert collected.quarantined == []
    (event,) = collected.tables["events"]
    assert (event["dish_id"], event["value"], event["occurred_at"]) == ("12", 4.5, START)
    assert uuid.UUID(event["person_id"]) == uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("tables", "watermarks", "part"),
    [
        ({"events": "gone"}, {}, "cannot be read .*gone.*: mend collect.inbox or collect.tables"),
        ({"events": "SELECT kind FROM log"}, {}, "has no column user"),
        ({"events": "SELEC it all"}, {}, "cannot be read"),
        ({"events": "SELECT * FROM log WHERE kind = 'none'"}, {}, "holds no events"),
        ({}, {}, "has no table 'events': name yours"),
        (
            {"events": "log"},
            {"events": "kind"},
            "collect.watermarks.events names 'kind', which holds no times",
        ),
        ({"events": "DELETE FROM log RETURNING *"}, {}, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    url: str, tables: dict[str, str], watermarks: dict[str, str], part: str
) -> None:
    _write(url, "log", [_event(1, START)], **TIME)
    with pytest.raises((DataRejected, BadParams), match=part):
        Database(url, tables, COLUMNS, watermarks).read({})
    assert len(Database(url, {"events": "log"}, COLUMNS).read({}).tables["events"]) == 1


def test_a_database_that_is_not_there_is_one_sentence_and_none_is_made(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataRejected, match="is no file"):
        Database(f"sqlite:///{tmp_path}/none.db").read({})
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(DataRejected, match=r"cannot be read \(No module named .*install that driver"):
        Database("mysql://reader@host/meals").read({})
    monkeypatch.setenv(PASSWORD, "hunter2")
    with pytest.raises(DataRejected, match=r"cannot be read .*nowhere") as caught:
        Database(server.replace("/meals", "/nowhere")).read({})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(DataRejected, match=r"cannot be read .*[Cc]onnect"):
        Database("postgresql://palate@127.0.0.1:1/meals").read({})
