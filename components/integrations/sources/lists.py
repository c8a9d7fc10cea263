"""Cells that hold several values: the user's separator becomes `;`, and one that nobody named is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from components.domain.preferences.events import RawRow
from components.integrations.sources.batches import Rows

logger = logging.getLogger(__name__)
OURS = ";"
OTHERS = ("|", ",")  # of other programs; a comma is looked for last, since texts hold commas, too
LISTS = {"tags", "ingredients", "allergens", "diet", "allergies", "avoids", "shown"}
SHARE = 0.25  # of a column's filled cells that hold a separator, from which they are taken for lists


def split_as_ours(source: str, rows: Rows, separator: str) -> Rows:
    """Writes `;` in the place of the user's separator, and warns of columns of a file that look unsplit."""
    if separator != OURS and LISTS & rows.column_names:
        rows = Rows.of(rows.files[0], (_row(row, separator) for row in rows))
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


def _row(row: RawRow, separator: str) -> RawRow:
    texts = {name: value for name, value in row.values.items() if name in LISTS and isinstance(value, str)}
    ours = {name: value.replace(separator, OURS) for name, value in texts.items()}
    return replace(row, values={**row.values, **ours})
