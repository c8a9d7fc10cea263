"""Turns what a user writes in cells into what the contract reads: separators of lists, and own values."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.arrays import Bools
from components.integrations.sources.batches import Batch, Rows
from components.integrations.sources.columns import Column, coded, column_of, taken, values_of

logger = logging.getLogger(__name__)
OURS = ";"
OTHERS = ("|", ",")  # of other programs; a comma is looked for last, since texts hold commas, too
LISTS = {"tags", "ingredients", "allergens", "diet", "allergies", "avoids", "shown"}
SHARE = 0.25  # of a column's filled cells that hold a separator, from which they are taken for lists
Translations = Mapping[str, Mapping[str, str]]  # by column: the contract's value, by the user's; "": no row


def split_as_ours(source: str, rows: Rows, separator: str) -> Rows:
    """Writes `;` in the place of the user's separator, and warns of columns of a file that look unsplit."""
    if separator != OURS:
        batches = [_split_batch(batch, separator) for batch in rows.batches]
        broken = [
            replace(row, values={name: _split(name, cell, separator) for name, cell in row.values.items()})
            for row in rows.broken
        ]
        rows = Rows(batches, broken, rows.files)
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


def _split_batch(batch: Batch, separator: str) -> Batch:
    columns = dict(batch.columns)
    for name in LISTS & columns.keys():
        cells, code = coded(columns[name])
        columns[name] = taken(column_of([_split(name, cell, separator) for cell in values_of(cells)]), code)
    return replace(batch, columns=columns)


def _split(name: str, cell: Any, separator: str) -> Any:
    return cell.replace(separator, OURS) if name in LISTS and isinstance(cell, str) else cell


def translated(source: str, rows: Rows, theirs: Translations) -> Rows:
    """Replaces the user's values by the contract's, and leaves out rows whose value is replaced by nothing.

    A value that is not named stays. Broken rows stay as they are.

    Args:
        source: Where the rows come from, for the warning that counts rows left out.
        rows: Rows under the contract's names of columns.
        theirs: Translations of this table.
    """
    batches = (_translated_batch(batch, theirs) for batch in rows.batches)
    kept = replace(rows, batches=[batch for batch in batches if len(batch.lines)])
    left_out = len(rows) - len(kept)
    if left_out:
        logger.warning("%s: %s rows are left out by collect.values", source, f"{left_out:,}")
    return kept


def _translated_batch(batch: Batch, theirs: Translations) -> Batch:
    columns, stays = dict(batch.columns), np.ones(len(batch.lines), bool)
    for name in theirs.keys() & columns.keys():
        columns[name], is_named = _translated(columns[name], theirs[name])
        stays &= is_named
    translated_batch = replace(batch, columns=columns)
    return translated_batch if stays.all() else translated_batch.take(np.flatnonzero(stays))


def _translated(column: Column, theirs: Mapping[str, str]) -> tuple[Column, Bools]:
    """Translates a column; (N,) False marks rows whose value is replaced by nothing."""
    cells, code = coded(column)
    texts = _texts(cells)
    ours = [None if text is None else theirs.get(text) for text in texts]
    if not any(value is not None for value in ours):
        return column, np.ones(len(code), bool)
    others = values_of(cells) if isinstance(cells, list) else texts  # a column of one type becomes texts
    both = [other if our is None else our for our, other in zip(ours, others, strict=True)]
    return taken(column_of(both), code), np.array([our != "" for our in ours])[code]


def _texts(cells: Column) -> list[str | None]:
    """Writes values as texts, as `true` and `1`; None for lists and the like, which no text names."""
    if isinstance(cells, list):
        return [text for cell in cells for text in _texts(_alone(cell))]
    try:
        texts: list[str | None] = pc.cast(cells, pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [None] * len(cells)
    return texts


def _alone(cell: Any) -> Column:
    """Builds a column of one cell, which is null where Arrow has no type for it."""
    try:
        return pa.chunked_array([pa.array([cell])])
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):  # half a character, a huge number
        return pa.chunked_array([pa.nulls(1)])
