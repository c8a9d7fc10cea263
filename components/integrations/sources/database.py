"""SQLAlchemy: an inbox that is a database, whose tables or queries are read in one transaction."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import exc

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.contract import TABLES
from components.domain.preferences.events import RawRow
from components.domain.preferences.limits import CLOCK_SKEW
from components.integrations.sources.batches import Rows
from components.integrations.sources.columns import text_of
from components.integrations.sources.csv_files import check_header
from components.integrations.sources.rows import Names, Reading, Watermarks, in_contract
from components.integrations.sources.user_values import OURS, Translations
from components.integrations.sources.watermarks import NO_TIME, TEXT, begin_of, highest

PASSWORD = "PALATE_DATABASE_PASSWORD"  # noqa: S105 - the environment variable that holds it
SILENCE = "PALATE_DATABASE_SILENCE_S"  # the variable with the seconds of a statement of a PostgreSQL
SILENCE_S = "600"  # where it is not set
ROWS_AT_ONCE = 10_000
# How one begins, behind comments; a table's name may go on behind such a word.
QUERY = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:\(|(?:select|with)(?![\w.$-]))", re.IGNORECASE | re.DOTALL
)

_SECOND = re.compile(r":\d+$")


def is_database(url: str) -> bool:
    """Tells whether a URL is of a database that SQLAlchemy reads."""
    try:
        sa.make_url(url).get_dialect()
    except (exc.ArgumentError, exc.NoSuchModuleError):
        return False
    return True


@dataclass(frozen=True)
class Database:
    """A database.

    Attributes:
        url: SQLAlchemy's, without a password.
        tables: By table of the contract the user's table (`schema.name`) or a SELECT; tables of the contract
            that are not named are read where the database has them.
        columns: The user's names of columns where they are not the contract's.
        watermarks: By table the user's column of times from which a reading goes on.
        separator: What stands between the values of one cell.
        values: The user's values where they are not the contract's, by table; see `translated`.
    """

    url: str
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Names = field(default_factory=dict)
    watermarks: Mapping[str, str] = field(default_factory=dict)
    separator: str = OURS
    values: Mapping[str, Translations] = field(default_factory=dict)

    def read(self, since: Watermarks, *, has_earlier: bool = False) -> Reading:
        """Reads all rows, or those from the watermarks on.

        Args:
            since: The watermarks; empty for all rows.
            has_earlier: Whether there are events of earlier nights, so that tonight may bring none.

        Raises:
            BadParams: A watermark is no column of times, or a setting names no table.
            DataRejected: The database cannot be read, or has no events and never had.
        """
        reading = Reading({}, dict(since))
        with self._connection() as connection:
            for table, query in self._queries(connection).items():
                rows, watermark = self._rows(connection, table, query, since.get(table, ""))
                name, columns = self._name_of(table), self.columns
                ours = in_contract(table, name, rows, columns, self.separator, self.values)
                for each, its in ours.items():
                    reading.tables.setdefault(each, Rows()).extend(its)
                if watermark:
                    reading.watermarks[table] = watermark
        if not (reading.tables["events"] or since.get("events") or has_earlier):
            raise DataRejected(f"The inbox '{self.url}' holds no events: its table or query gave no row.")
        return reading

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        url = sa.make_url(self.url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise DataRejected(f"The inbox '{self.url}' is no file: make it, or set collect.inbox.")
        try:
            engine = sa.create_engine(url.set(password=os.environ.get(PASSWORD)))
        except ImportError as error:
            raise DataRejected(
                f"The inbox '{self.url}' cannot be read ({error}): install that driver, or name another one "
                "in the URL, as in postgresql+psycopg2://."
            ) from error
        try:
            with engine.connect() as connection:
                yield _for_reading(connection)
        except exc.SQLAlchemyError as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
            raise DataRejected(
                f"The inbox '{self.url}' cannot be read ({reason}): mend collect.inbox or collect.tables, or "
                f"set {PASSWORD}."
            ) from error
        finally:
            engine.dispose()

    def _queries(self, connection: sa.Connection) -> dict[str, sa.FromClause]:
        """Collects by table of the contract what is selected from."""
        inspector = sa.inspect(connection)
        there = {*inspector.get_table_names(), *inspector.get_view_names()}
        names = {table: table for table in TABLES if table in there} | dict(self.tables)
        if "events" not in names:
            raise DataRejected(
                f"The inbox '{self.url}' has no table 'events': name yours, or a SELECT, in collect.tables."
            )
        return {table: _from(table, names[table]) for table in TABLES if table in names}

    def _rows(
        self, connection: sa.Connection, table: str, query: sa.FromClause, since: str
    ) -> tuple[Rows, str]:
        """Reads the rows of a table, and its watermark after them."""
        statement, column = sa.select(sa.text("*")).select_from(query), self.watermarks.get(table, "")
        setting, latest = f"collect.watermarks.{table}", datetime.now(UTC) + CLOCK_SKEW
        begin = begin_of(setting, since, latest) if column else None
        if begin is not None:
            at: sa.ColumnElement[Any] = sa.column(column)
            without = [at.is_(None), *([at < NO_TIME] if since.startswith(TEXT) else [])]
            statement = statement.where(sa.or_(at >= begin, *without))
        rows, raw = Rows(files=[table]), _raw_rows(connection, table, self._name_of(table), statement)
        while part := self._part(table, raw):
            rows.extend(Rows.of(table, part))
        if not column:
            return rows, ""
        return rows, highest(setting, column, rows.values_of(column), latest) or since

    def _name_of(self, table: str) -> str:
        return f"{self.url}: {table}"

    def _part(self, table: str, rows: Iterator[RawRow]) -> list[RawRow]:
        """Reads the next rows of a table; returns an empty list at its end."""
        try:
            return list(islice(rows, ROWS_AT_ONCE))
        except (ValueError, OverflowError) as error:  # the driver's own, of a row that it cannot tell
            raise DataRejected(
                f"{self.url}: {table} holds a value that cannot be read ({error}), such as a moment before "
                f"the year 1 or after 9999: mend it, or name a SELECT in collect.tables.{table} that leaves "
                "it out or casts that column to text, so that its row is quarantined."
            ) from error


def _for_reading(connection: sa.Connection) -> sa.Connection:
    """Opens the connection, which cannot write and sees all tables as they are at one moment where it can."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        driver: Any = connection.connection.dbapi_connection
        driver.text_factory = text_of  # one that is not UTF-8 is its row's fault, and no failure of all
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.exec_driver_sql(f"SET statement_timeout = '{os.environ.get(SILENCE, SILENCE_S)}s'")
    return connection


def _from(table: str, name: str) -> sa.FromClause:
    """Reads what a user calls a table: its name, with its schema before a dot, or a SELECT.

    Raises:
        BadParams: It is neither.
    """
    if QUERY.match(name):
        query = name.strip().rstrip(";").replace(":", r"\:")  # a colon is no parameter here
        return sa.text(f"{query}\n").columns().subquery("source_rows")  # behind a comment at its end
    schema, _, bare = name.rpartition(".")
    if not bare.strip():
        wrong = f"'{name}', which names no table" if name.strip() else "empty"
        raise BadParams(f"collect.tables.{table} is {wrong}: name a table or a SELECT.")
    return sa.table(bare, schema=schema or None)


def _raw_rows(
    connection: sa.Connection, table: str, source: str, statement: sa.Select[Any]
) -> Iterator[RawRow]:
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement)
    check_header(source, _as_selected(connection, list(result.keys())))
    for number, row in enumerate(result.mappings(), 1):
        yield RawRow(table, number, {name: _plain(value) for name, value in row.items()})


def _as_selected(connection: sa.Connection, names: list[str]) -> list[str]:
    """Lists columns as a SELECT names them: SQLite calls the second `kind` of a subquery `kind:1`."""
    if connection.dialect.name != "sqlite":
        return names
    bare = [_SECOND.sub("", name) for name in names]
    return [one if one in names else name for one, name in zip(bare, names, strict=True)]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
