"""fsspec: an inbox that is a folder, on this machine or in object storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fsspec

from components.domain.errors import DataRejected
from components.domain.preferences.contract import TABLES
from components.integrations.sources.batches import Rows
from components.integrations.sources.formats import FORMATS, read_file
from components.integrations.sources.rows import Names, Reading, Watermarks, in_contract


@dataclass(frozen=True)
class Folder:
    """A folder of files.

    A table's files are `TABLE.csv` and `TABLE-anything.csv`, or the same with another of FORMATS. One file
    may be of several tables. Columns outside the contract are left out, with a warning.

    Attributes:
        address: Path, or URL of a folder such as s3://bucket/folder. Keys come from the environment, as the
            storage's own tools read them.
        columns: The user's names of columns where they are not the contract's.
        tables: The user's names of tables likewise.
    """

    address: str
    columns: Names = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)

    def read(self, _since: Watermarks) -> Reading:
        """Reads all rows of all files.

        Raises:
            DataRejected: The folder does not exist or holds no events, or a file cannot be read as its table.
        """
        storage, paths = self._list()
        tables: dict[str, Rows] = {}
        for path in paths:
            stem, _, form = path.rpartition("/")[2].partition(".")
            names = [table for table in TABLES if self._file_of(table) in {stem, stem.split("-")[0]}]
            if names and form in FORMATS:
                rows = read_file(path, self._content(storage, path), form)
                for table in names:
                    tables.setdefault(table, Rows()).extend(in_contract(table, path, rows, self.columns))
        if not tables.get("events"):
            files, name = ", ".join(path.rpartition("/")[2] for path in paths), self._file_of("events")
            raise DataRejected(
                f"The inbox '{self.address}' holds no events (found: {files or 'nothing'}): put {name}.csv, "
                ".jsonl or .parquet there, or name your file in collect.tables."
            )
        return Reading(tables)

    def _file_of(self, table: str) -> str:
        return self.tables.get(table, table)

    def _list(self) -> tuple[Any, list[str]]:
        """The storage, and the paths of what lies in the folder."""
        try:
            storage, root = fsspec.core.url_to_fs(self.address)
            storage.invalidate_cache()  # another process may have put files there since
            return storage, sorted(storage.ls(root, detail=False))
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


def _unreadable(what: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return f"{what} cannot be read ({reason}): mend it or take it out."
