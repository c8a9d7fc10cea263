"""Opens the store's database, and turns its failures into sentences."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from components.domain.errors import StageFailed

META = sa.MetaData()  # of all tables of the store
NAME = "the service's store"  # in sentences, and as the file of its rows
_WAIT_S = 5  # seconds for a lock of SQLite, or for PostgreSQL to answer a new connection
_LOCK_S = 4  # seconds for a lock of PostgreSQL, fewer than the service waits for an answer
_PEOPLE_AT_ONCE = 1_000  # ids in one statement
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('palate'))"  # until the end of the transaction


class StillInLog(StageFailed):
    """What was removed is gone from the tables, but not yet from SQLite's log of writes."""


def engine_of(url: str) -> sa.Engine:
    """Opens a database with the store's tables, and creates missing tables and columns.

    Args:
        url: SQLAlchemy's URL of the database.

    Raises:
        StageFailed: The database cannot be opened.
    """
    is_sqlite = url.startswith("sqlite")
    wait = {"timeout": _WAIT_S} if is_sqlite else {"connect_timeout": _WAIT_S}
    with as_sentence():
        # Hides the parameters of queries: errors reach logs, and the parameters are ids.
        engine = sa.create_engine(url, pool_pre_ping=not is_sqlite, connect_args=wait, hide_parameters=True)
        if is_sqlite:
            sa.event.listen(engine, "connect", _write_ahead)
        elif engine.dialect.name == "postgresql":
            sa.event.listen(engine, "connect", _wait_briefly)
        _bring_up_to_date(engine)
    if is_sqlite:
        _refuse_another_file(engine, Path(engine.url.database or ""))
    return engine


def _refuse_another_file(engine: sa.Engine, path: Path) -> None:
    """Makes the engine refuse all work once its file was removed or replaced: its rows would be lost."""
    first, is_gone = path.stat().st_ino, False

    def check(*_: object) -> None:
        nonlocal is_gone  # for good, since the number may go to a file that comes later
        try:
            is_gone = is_gone or path.stat().st_ino != first
        except OSError:
            is_gone = True
        if is_gone:
            raise StageFailed(
                f"{NAME} {path} was removed or replaced while it was in use, so nothing more is kept: end "
                "the service, bring the file back or do without it, and start the service again."
            )

    for moment in ("do_connect", "checkout"):
        sa.event.listen(engine, moment, check)


def _bring_up_to_date(engine: sa.Engine) -> None:
    """Creates missing tables and columns; of several processes one does so, and the others wait.

    An older Palate can still write to such a store, and leaves the new columns empty.
    """
    if not list(_missing_columns(sa.inspect(engine))):
        return
    with engine.begin() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else _ALONE)
        META.create_all(connection)
        for column in _missing_columns(sa.inspect(connection)):
            definition = f"{column.name} {column.type.compile(engine.dialect)}"
            connection.execute(sa.text(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}"))


def _missing_columns(inspector: sa.Inspector) -> Iterator[sa.Column[Any]]:
    present = set(inspector.get_table_names())
    for table in META.sorted_tables:
        columns = inspector.get_columns(table.name) if table.name in present else ()
        names = {column["name"] for column in columns}
        yield from (column for column in table.columns if column.name not in names)


def utc(moment: datetime) -> datetime:
    """Converts a moment to UTC; SQLite returns moments in UTC without their zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _write_ahead(connection: Any, _record: object) -> None:
    """Sets up SQLite: readers never wait for a writer, rows survive a crash, deleted rows are overwritten."""
    _turn_on_log(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")


def _turn_on_log(connection: Any) -> None:
    # SQLite does not wait by itself where two processes turn the log on at once.
    end = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _wait_briefly(connection: Any, _record: object) -> None:
    """Makes the server itself give up a lock, instead of waiting on for a caller that has gone."""
    connection.autocommit = True  # else it would hold in one transaction alone
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{_LOCK_S}s'")
    connection.autocommit = False


def delete_rows(
    connection: sa.Connection, table: sa.Table, people: Sequence[str], key: sa.Column[str] | None = None
) -> int:
    """Deletes the rows of people; returns their number.

    Args:
        key: Column of a table with person ids, by which `table` refers to it; None if `table` has person
            ids itself.
    """
    count = 0
    for start in range(0, len(people), _PEOPLE_AT_ONCE):
        ids = people[start : start + _PEOPLE_AT_ONCE]
        theirs = (key.table if key is not None else table).c.person_id.in_(ids)
        if key is not None:
            theirs = table.c[key.name].in_(sa.select(key).where(theirs))
        count += connection.execute(sa.delete(table).where(theirs)).rowcount
    return count


def leave_no_trace(engine: sa.Engine) -> None:
    """Empties SQLite's log of writes, which still has what was deleted."""
    if engine.dialect.name == "sqlite":
        with as_sentence(), engine.connect() as connection:
            busy, *_ = connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
        if busy:
            raise StillInLog(f"{NAME} is being read, so what was removed still stands in its log: run again.")


@contextmanager
def as_sentence() -> Iterator[None]:
    """Turns errors of the database within the block into a StageFailed."""
    try:
        yield
    except (exc.SQLAlchemyError, ValueError) as error:  # psycopg2 refuses a NUL with a ValueError
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        raise StageFailed(f"{NAME} does not answer ({reason}): look at PALATE_STORE's database.") from error
