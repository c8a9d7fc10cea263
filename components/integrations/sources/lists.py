"""Cells that hold several values: the user's separator becomes `;`, and one that nobody named is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.events import RawRow
from components.integrations.sources.batches import Batch, Rows

logger = logging.getLogger(__name__)
OURS = ";"
OTHERS = ("|", ",")  # of other programs; a comma is looked for last, since texts hold commas, too
LISTS = {"tags", "ingredients", "allergens", "diet", "allergies", "avoids", "shown"}
SHARE = 0.25  # of a column's filled cells that hold a separator, from which they are taken for lists


def split_as_ours(source: str, rows: Rows, separator: str) -> Rows:
    """Writes `;` in the place of the user's separator, and warns of columns that look unsplit."""
    if separator != OURS:
        batches = [_batch(batch, separator) for batch in rows.batches]
        rows = Rows(batches, [_row(row, separator) for row in rows.odd], rows.files)
    for column, other, count in unsplit(rows):
        logger.warning(
            f"{source}: {count:,} cells of {column} hold '{other}' and none '{OURS}', so each is read as one "
            f'value: set collect: {{list_separator: "{other}"}} if they are lists'
        )
    return rows


def unsplit(rows: Rows) -> Iterator[tuple[str, str, int]]:
    """Yields (column, separator, cells that hold it) where cells look like lists and hold no `;`."""
    for name in sorted(LISTS & rows.column_names):
        cells = [value for value in rows.values_of(name) if isinstance(value, str) and value]
        counts = {other: sum(other in cell for cell in cells) for other in (OURS, *OTHERS)}
        separators = [other for other in OTHERS if counts[other] >= SHARE * len(cells)]
        if cells and separators and not counts[OURS]:
            yield name, separators[0], counts[separators[0]]


def _batch(batch: Batch, separator: str) -> Batch:
    columns = batch.columns
    for name in LISTS & set(columns.column_names):
        if pa.types.is_string(columns[name].type) or pa.types.is_large_string(columns[name].type):
            replaced = pc.replace_substring(columns[name], separator, OURS)
            columns = columns.set_column(columns.column_names.index(name), name, replaced)
    return replace(batch, columns=columns)


def _row(row: RawRow, separator: str) -> RawRow:
    texts = {name: value for name, value in row.values.items() if name in LISTS and isinstance(value, str)}
    ours = {name: value.replace(separator, OURS) for name, value in texts.items()}
    return replace(row, values={**row.values, **ours})
