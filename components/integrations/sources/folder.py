"""fsspec: an inbox that is a folder, on this machine or in object storage."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import fsspec

from components.domain.errors import DataRejected
from components.domain.preferences.contract import TABLES
from components.integrations.sources.batches import Batch, Rows
from components.integrations.sources.columns import constant
from components.integrations.sources.formats import FORMATS, read_file
from components.integrations.sources.rows import Names, Reading, Watermarks, in_contract
from components.integrations.sources.user_values import OURS, Translations

logger = logging.getLogger(__name__)
SETTINGS = "params.yaml"  # the user's own, beside the tables
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # in the name of a Hive partition


@dataclass(frozen=True)
class Folder:
    """A folder of files.

    A table's files are `TABLE.csv` and `TABLE-anything.csv`, or the same with another of FORMATS, and what
    lies in a folder `TABLE/`. One file may be of several tables. Partitions (`day=2026-11-01/`) are entered.
    Columns outside the contract are left out, with a warning.

    Attributes:
        address: Path, or URL of a folder such as s3://bucket/folder. Keys come from the environment, as the
            storage's own tools read them.
        columns: The user's names of columns where they are not the contract's.
        tables: The user's names of tables likewise.
        separator: What stands between the values of one cell.
        encoding: Of files of text.
        values: The user's values where they are not the contract's, by table; see `translated`.
    """

    address: str
    columns: Names = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    separator: str = OURS
    encoding: str = "utf-8"
    values: Mapping[str, Translations] = field(default_factory=dict)

    def read(self, _since: Watermarks, *, has_earlier: bool = False) -> Reading:
        """Reads all rows of all files.

        Args:
            has_earlier: Whether there are events of earlier nights, so that their files may have no row.

        Raises:
            DataRejected: The folder does not exist or holds no events, or a file cannot be read as its table.
        """
        storage, root, paths = self._list()
        tables: dict[str, Rows] = {}
        for path in paths:
            form, names = _form_of(path), self._tables_of(path[len(root) :])
            if form and not names:
                logger.warning("%s is of no table and was not read: see collect.tables in params.yaml", path)
            if form and names:
                rows = read_file(path, self._content(storage, path), form, self.encoding)
                rows = _with_partitions(path[len(root) :].strip("/"), rows)
                for table in names:
                    ours = in_contract(table, path, rows, self.columns, self.separator, self.values)
                    for name, its in ours.items():
                        tables.setdefault(name, Rows()).extend(its)
        if not (tables.get("events") or (has_earlier and "events" in tables)):
            raise DataRejected(self._without_events(tables.get("events"), paths))
        return Reading(tables)

    def headers(self) -> dict[str, list[str]]:
        """Reads the columns of each file in the folder, by its name without the ending."""
        storage, _, paths = self._list()
        headers = {}
        for path in filter(_form_of, paths):
            rows = read_file(path, self._content(storage, path), _form_of(path), self.encoding)
            headers[path.rpartition("/")[2][: -len(_form_of(path)) - 1]] = sorted(rows.column_names)
        return headers

    def _without_events(self, events: Rows | None, paths: list[str]) -> str:
        name = self._file_of("events")
        if events is not None:
            empty = f"{', '.join(events.files)} {'has' if len(events.files) == 1 else 'have'} no row"
            return f"The inbox '{self.address}' holds no events ({empty}): put rows there."
        files = ", ".join(path.rpartition("/")[2] for path in paths)
        return (
            f"The inbox '{self.address}' holds no events (found: {files or 'nothing'}): put {name}.csv, "
            ".jsonl or .parquet there, or name your file in collect.tables."
        )

    def _tables_of(self, path: str) -> list[str]:
        """Finds the tables of a file NAME.csv or NAME-anything.csv; the longer of two names counts.

        Args:
            path: In the inbox; a file in the folder of a table belongs to it, whatever its name.
        """
        *folders, file = path.strip("/").split("/")
        name = next((folder for folder in folders if "=" not in folder), file)
        form = _form_of(name)
        stem = name[: -len(form) - 1] if form else name
        files = {table: self._file_of(table) for table in TABLES}
        files = {table: file for table, file in files.items() if stem == file or stem.startswith(f"{file}-")}
        return [table for table, file in files.items() if len(file) == max(map(len, files.values()))]

    def _file_of(self, table: str) -> str:
        return self.tables.get(table, table)

    def _list(self) -> tuple[Any, str, list[str]]:
        """Lists the folder: its storage, its path there, and the paths of its files."""
        try:
            storage, root = fsspec.core.url_to_fs(self.address)
            storage.invalidate_cache()  # another process may have put files there since
            return storage, root, sorted(self._paths(storage, root, root))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DataRejected(
                f"The inbox '{self.address}' is not a folder: make it, or set collect.inbox in params.yaml."
            ) from error
        except Exception as error:  # each storage has errors of its own
            raise DataRejected(_unreadable(f"The inbox '{self.address}'", error)) from error

    def _content(self, storage: Any, path: str) -> bytes:
        try:
            content: bytes = storage.cat_file(path)
        except Exception as error:  # likewise
            raise DataRejected(_unreadable(path, error)) from error
        return content

    def _paths(self, storage: Any, root: str, folder: str) -> Iterator[str]:
        """Yields paths below a folder; partitions and folders of tables are entered, but for `_temporary`."""
        for entry in storage.ls(folder, detail=True):
            path = entry["name"].rstrip("/")
            name = path.rpartition("/")[2]
            is_known = "=" in name or (not name.startswith(("_", ".")) and self._tables_of(path[len(root) :]))
            if entry["type"] == "directory" and path != folder and is_known:
                yield from self._paths(storage, root, path)
            else:
                yield path


def _form_of(path: str) -> str:
    """Finds the one of FORMATS in which a path ends; returns an empty text without one."""
    return max((form for form in FORMATS if path.lower().endswith(f".{form}")), key=len, default="")


def _with_partitions(name: str, rows: Rows) -> Rows:
    """Names rows by their file's path, and adds a column for each folder KEY=VALUE unless the file has one.

    Args:
        name: The file's path in the inbox.
        rows: Rows of the file.
    """
    pairs = (folder.split("=", 1) for folder in name.split("/")[:-1] if "=" in folder)
    values = {key: "" if value == NO_VALUE else unquote(value) for key, value in pairs}
    batches = []
    for batch in rows.batches:
        added = {key: constant(values[key], len(batch.lines)) for key in values if key not in batch.columns}
        batches.append(Batch(name, batch.lines, {**batch.columns, **added}))
    return Rows(batches, [replace(row, file=name) for row in rows.broken], [name])


def settings_in(address: str) -> bytes | None:
    """Reads the params.yaml in a folder, here or in object storage; None where there is none."""
    try:
        storage, root = fsspec.core.url_to_fs(address)
        storage.invalidate_cache()
        content: bytes = storage.cat_file(f"{root}/{SETTINGS}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # each storage has errors of its own
        raise DataRejected(_unreadable(f"{address}/{SETTINGS}", error)) from error
    return content


def _unreadable(what: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return f"{what} cannot be read ({reason}): mend it or take it out."
