"""The accepted tables as Parquet files.

Events lie in one file for each day of the newest month, and in one file for each earlier month. So a night
writes only the files with its news, and DVC stores no others again. Days and months are by UTC and by the
rows' own times, never by the clock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from components.domain.diet.nutrition import COSTS, QUANTITIES
from components.domain.errors import StageFailed
from components.domain.preferences.contract import KEYS, SERVICE_IDS, TABLES, Stored, columns
from components.domain.preferences.event_columns import Coded, EventColumns
from components.files import DamagedFile, replace_text

WATERMARKS = "watermarks.json"  # beside the tables, so that an older version of the data has its own
_WATERMARKS = TypeAdapter(dict[str, str])
_NUMBER = pa.float64()
_TEXTS = pa.list_(pa.string())
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("tags", "ingredients", "allergens", "allergies", "avoids"), _TEXTS),
    **dict.fromkeys(("serving_g", "value", *QUANTITIES), _NUMBER),
    "hidden": pa.bool_(),
    "served_on": pa.date32(),
    "occurred_at": pa.timestamp("us", tz="UTC"),
}


def read_tables(folder: Path) -> Stored:
    """Reads the accepted tables in a folder, without events; a table without a file is empty.

    Columns that the contract no longer has are left out: the next `write_tables` deletes them. Columns that
    a file lacks are empty.

    Raises:
        StageFailed: A file is not Parquet, or the checksum of one of its pages is wrong.
    """
    stored: Stored = {}
    for table in TABLES:
        path = folder / f"{table}.parquet"
        if table != "events":
            stored[table] = _rows(table, path) if path.exists() else []
    return stored


def read_events(folder: Path) -> pa.Table:
    """Reads the accepted events in a folder, by id.

    Raises:
        StageFailed: As for `read_tables`.
    """
    parts = [no_events(), *(_read(path) for path in event_files(folder))]
    return _sorted("events", pa.concat_tables(parts, promote_options="default"))


def _rows(table: str, path: Path) -> list[dict[str, Any]]:
    rows, nothing = _read(path), _schema(table).empty_table()
    known = [name for name in columns(table) if name in rows.column_names]
    whole = pa.concat_tables([nothing, rows.select(known)], promote_options="default")
    return _with_tuples(_sorted(table, whole).to_pylist())


def of_inbox(events: pa.Table) -> pa.Table:
    """Selects the events that did not come from the service's feedback."""
    return events.filter(pc.invert(pc.starts_with(events["event_id"], SERVICE_IDS)))


def menus_of_answers(events: pa.Table) -> set[str]:
    """Collects the ids of the service's answers from which somebody chose: they are no menus of a kitchen."""
    answers = events.filter(pc.starts_with(events["event_id"], SERVICE_IDS))["menu_id"]
    return set(answers.unique().to_pylist())


def event_columns(events: pa.Table) -> EventColumns:
    """Converts events, as `read_events` returns them, to numpy's arrays."""
    codes = {name: _coded(events[name]) for name in ("kind", "source")}
    ids = {name: _coded(events[f"{name}_id"]) for name in ("person", "dish", "menu")}
    value = pc.fill_null(events["value"], np.nan).to_numpy()
    at = events["occurred_at"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    return EventColumns(**ids, **codes, value=value, at=at)


def _coded(column: pa.ChunkedArray) -> Coded:
    codes = pc.fill_null(column, "").combine_chunks().dictionary_encode()
    return Coded.of_codes(codes.dictionary.to_pylist(), codes.indices.to_numpy().astype(np.int64))


def no_events() -> pa.Table:
    """Creates a table of events without a row."""
    return _schema("events").empty_table()


def _sorted(table: str, rows: pa.Table) -> pa.Table:
    return rows.sort_by([(key, "ascending") for key in KEYS[table]])


def _schema(table: str, without: Collection[str] = ()) -> pa.Schema:
    names = [name for name in columns(table) if name not in without]
    return pa.schema([(name, _TYPES.get(name, pa.string())) for name in names])


def event_files(folder: Path) -> list[Path]:
    """Finds the files of events in a folder of tables.

    A month's file takes the place of its days' files, which remain if a night was killed before it removed
    them. `events.parquet`, the only file of versions before 0.3, takes the place of all.
    """
    whole = folder / "events.parquet"
    if whole.exists():
        return [whole]
    names = {path.stem for path in (folder / "events").glob("*.parquet")}
    return [folder / "events" / f"{name}.parquet" for name in sorted(names) if not names & {name[:-3]}]


def _read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise StageFailed(
            f"{path} is damaged ({' '.join(str(error).split())[:120]}): `.venv/bin/dvc checkout --force "
            "data/events.dvc` brings the last version back, and what came after it comes again."
        ) from error


def _with_tuples(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replaces lists in the rows by tuples, as the contract has them."""
    lists = [name for name in (rows[0] if rows else ()) if _TYPES.get(name) == _TEXTS]
    for row in rows if lists else ():
        row.update({name: tuple(row[name]) for name in lists if row[name] is not None})
    return rows


def write_tables(folder: Path, tables: Stored, events: pa.Table) -> None:
    """Writes the accepted data, each file whole or not at all; equal rows give equal bytes.

    Dishes are written first, so that no event is stored before its dish.

    Args:
        events: Events, as `read_events` returns them.
    """
    for table in sorted(tables, key=list(TABLES).index):
        rows = tables[table]
        # A cost that no dish states is no column: data from before there were costs keep their bytes.
        unstated = {name for name in COSTS if all(row.get(name) is None for row in rows)}
        _write(pa.Table.from_pylist(rows, _schema(table, unstated)), folder / f"{table}.parquet")
    _write_events(folder, events)


def _write_events(folder: Path, events: pa.Table) -> None:
    at = events["occurred_at"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    days, months = at.astype("datetime64[D]"), at.astype("datetime64[M]")
    newest = months.max(initial=np.datetime64(0, "M"))
    begins = np.where(months == newest, days, months.astype("datetime64[D]"))  # the first day of its file
    order = np.argsort(begins, kind="stable")  # a file's rows stay in the order of their ids
    by_file = events.take(pa.array(order))
    first_days, starts = np.unique(begins[order], return_index=True)
    names = [str(day if day >= newest else day.astype("datetime64[M]")) for day in first_days]
    for name, start, stop in zip(names, starts, [*starts[1:], len(events)], strict=False):
        _write(by_file.slice(start, stop - start), folder / "events" / f"{name}.parquet")
    (folder / "events.parquet").unlink(missing_ok=True)
    for path in (folder / "events").glob("*.parquet"):
        if path.stem not in names:
            path.unlink()


def _write(values: pa.Table, path: Path) -> None:
    """Writes a file unless it holds these rows already."""
    if path.exists() and _holds(path, values):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    pq.write_table(values.combine_chunks(), partial, write_page_checksum=True)
    partial.replace(path)


def _holds(path: Path, values: pa.Table) -> bool:
    try:
        return bool(_read(path).equals(values))
    except StageFailed:  # it is damaged, and is written anew
        return False


def read_watermarks(folder: Path) -> dict[str, str]:
    """Reads where the next reading of the source begins, by table.

    The watermarks lie beside the tables of the reading that they end.

    Raises:
        DamagedFile: The file does not hold texts by table.
    """
    path = folder / WATERMARKS
    if not path.exists():
        return {}
    try:
        return _WATERMARKS.validate_json(path.read_bytes())
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False)
        raise DamagedFile(
            f"{path} is damaged ({first['msg']}): `.venv/bin/dvc checkout --force data/events.dvc` brings "
            "the last version back; or remove it, and all rows are read again, old ones as duplicates."
        ) from error


def write_watermarks(folder: Path, watermarks: Mapping[str, str]) -> None:
    """Writes the watermarks; writes no file where there are none."""
    if watermarks:
        replace_text(folder / WATERMARKS, json.dumps(watermarks, sort_keys=True) + "\n")


def people_of(events: Iterable[Path]) -> set[str]:
    """Collects the ids of everybody in files of events."""
    return {person for path in events for person in _read(path, ["person_id"])[0].unique().to_pylist()}
