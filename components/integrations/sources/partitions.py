"""Hive's partitions: folders `day=2026-11-01/` in an inbox, whose names are a column of the files in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

import pyarrow as pa

from components.integrations.sources.batches import Batch, Rows

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def with_partitions(name: str, rows: Rows) -> Rows:
    """Adds a column for each KEY=VALUE folder, unless the file has one of that name.

    Args:
        name: The file's path in the inbox, by which its rows are named.
        rows: Of the file.
    """
    pairs = (folder.split("=", 1) for folder in name.split("/")[:-1] if "=" in folder)
    values = {key: "" if value == NO_VALUE else unquote(value) for key, value in pairs}
    odd = [
        replace(row, file=name, values=row.values if row.problem else {**values, **row.values})
        for row in rows.odd
    ]
    return Rows([_batch(name, batch, values) for batch in rows.batches], odd, [name])


def _batch(name: str, batch: Batch, values: Mapping[str, str]) -> Batch:
    columns = batch.columns
    for key in values.keys() - set(columns.column_names):
        columns = columns.append_column(key, pa.repeat(values[key], len(columns)))
    return Batch(name, batch.lines, columns)
