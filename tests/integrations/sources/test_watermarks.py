"""No single odd time ends the reading of new rows, and none ends a night with a traceback."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from components.domain.errors import BadParams, DataRejected
from components.files import DamagedFile
from components.integrations import event_sources
from components.integrations.sources.database import Database

TYPES = {"sqlite": "TEXT", "text": "TEXT", "postgresql": "TIMESTAMPTZ"}
ODD = ["", "n/a", "0000-00-00", "2062-10-01", "9999-12-31", "2026-10-02T12:00:00+02:00"]


@pytest.fixture(params=TYPES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty table of events, whose column `added` is the watermark's."""
    url = f"sqlite:///{tmp_path}/meals.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("server")
    statements = ["DROP TABLE IF EXISTS events", _table(TYPES[request.param])]
    with sa.create_engine(url).begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    return Database(url, {}, {}, {"events": "added"})


def _table(added: str) -> str:
    names = ("person_id", "dish_id", "kind", "occurred_at", "event_id")
    return f"CREATE TABLE events ({', '.join(f'{name} TEXT' for name in names)}, added {added})"


def _add(database: Database, **added: str) -> None:
    query = "INSERT INTO events VALUES ('ada', 'd1', 'like', '2026-10-01', :event, :added)"
    with sa.create_engine(database.url).begin() as connection:
        for event, at in added.items():
            connection.execute(sa.text(query), {"event": event, "added": at})


def _ids(database: Database, since: dict[str, str]) -> set[str]:
    return {str(row.values["event_id"]) for row in database.read(since).tables["events"]}


def _is_text(database: Database) -> bool:
    with sa.create_engine(database.url).connect() as connection:
        types = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns("events")}
    return isinstance(types["added"], sa.Text)


def test_rows_of_a_far_day_or_without_a_time_leave_the_watermark_where_it_is(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    odd = ODD if _is_text(database) else ["infinity", "-infinity", *ODD[3:]]
    _add(database, e1="2026-09-01", e2="2026-10-01", **{f"o{n}": at for n, at in enumerate(odd)})
    with caplog.at_level(logging.WARNING):
        first = database.read({})
    assert len(first.tables["events"]) == 2 + len(odd)
    assert first.watermarks["events"].startswith("text:2026-10-02" if _is_text(database) else "2026-10-02")
    assert "times after" in caplog.text
    assert ("'n/a'" in caplog.text or "are no times" in caplog.text) == _is_text(database)
    _add(database, e3="2026-10-01 18:00:00", e4="2026-10-03", late="2026-08-01")
    second = _ids(database, first.watermarks)
    assert {"e2", "e3", "e4"} <= second
    assert not {"e1", "late"} & second
    if _is_text(database):  # as rows without a time: who knows when they came
        _add(database, empty="")
        assert "empty" in _ids(database, first.watermarks)


def test_a_watermark_of_the_future_that_an_earlier_release_stored_is_not_gone_on_from(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    _add(database, e1="2026-09-01", far="2062-10-01")
    mark = "text:2062-10-01" if _is_text(database) else "2062-10-01T00:00:00+00:00"
    with caplog.at_level(logging.WARNING):
        reading = database.read({"events": mark})
    assert len(reading.tables["events"]) == 2
    assert "2026-09-01" in reading.watermarks["events"]
    assert "lies in the future: all rows are read" in caplog.text


@pytest.mark.parametrize(
    "form", ["%Y%m%d", "%Y%m%dT%H%M%S", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ"]
)
def test_texts_of_any_form_go_on_from_the_watermark(tmp_path: Path, form: str) -> None:
    database = _in_sqlite(tmp_path)
    start = datetime(2026, 10, 10, 12, tzinfo=UTC)
    _add(database, **{f"e{day}": f"{start + timedelta(days=day):{form}}" for day in range(10)})
    first = database.read({})
    _add(database, new=f"{start + timedelta(days=10):{form}}")
    assert _ids(database, first.watermarks) >= {"e8", "e9", "new"}
    assert not _ids(database, first.watermarks) & {f"e{day}" for day in range(7)}


def _in_sqlite(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder}/meals.db", {}, {}, {"events": "added"})
    with sa.create_engine(database.url).begin() as connection:
        connection.execute(sa.text(_table("TEXT")))
    return database


def test_the_year_1_is_read_from_its_begin(tmp_path: Path) -> None:
    database = _in_sqlite(tmp_path)
    _add(database, e1="0001-01-01")
    first = database.read({})
    assert first.watermarks == {"events": "text:0001-01-01"}
    assert _ids(database, first.watermarks) == {"e1"}


@pytest.mark.parametrize("values", [["n/a"], ["", "soup"], ["20269999"], ["2026-13-01"]])
def test_a_column_without_a_time_is_one_sentence(tmp_path: Path, values: list[str]) -> None:
    database = _in_sqlite(tmp_path)
    _add(database, **{f"e{number}": value for number, value in enumerate(values)})
    with pytest.raises(BadParams, match=rf"names 'added', which holds no times \({values[0]!r}\)"):
        database.read({})


@pytest.mark.parametrize("mark", ["text:abc", "abc", "text:"])
def test_a_stored_watermark_that_is_no_time_is_one_sentence(tmp_path: Path, mark: str) -> None:
    database = _in_sqlite(tmp_path)
    _add(database, e1="2026-10-01")
    with pytest.raises(DataRejected, match=r"is no time: remove data/events/watermarks\.json"):
        database.read({"events": mark})


@pytest.mark.parametrize("content", ["{", "", "[1]", '"a"', '{"events": 5}', '{"events": null}'])
def test_a_damaged_file_of_watermarks_is_one_sentence(tmp_path: Path, content: Any) -> None:
    (tmp_path / event_sources.WATERMARKS).write_text(content)
    with pytest.raises(DamagedFile, match=r"watermarks\.json is damaged \(.+\): .* or remove it"):
        event_sources.read_watermarks(tmp_path)
