"""Values of the user's own, such as `thumbs_up`: they become the contract's, or leave their rows out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.domain.preferences.events import RawRow
from components.integrations.sources.batches import Batch, Rows

logger = logging.getLogger(__name__)
Translations = Mapping[
    str, Mapping[str, str]
]  # by column: the contract's value, by the user's; empty: no row


def translated(source: str, rows: Rows, theirs: Translations) -> Rows:
    """Replaces the user's values by the contract's, and leaves out rows whose value is replaced by nothing.

    A value that is not named stays.

    Args:
        source: Where the rows come from, for the warning that counts rows left out.
        rows: Rows under the contract's names of columns.
        theirs: Translations of this table.
    """
    if not theirs.keys() & rows.column_names:
        return rows
    batches = [_batch(batch, theirs) for batch in rows.batches]
    odd = [row if row.problem else _row(row, theirs) for row in rows.odd]
    kept = Rows(batches, [row for row in odd if row], rows.files)
    left_out = len(rows) - len(kept)
    if left_out:
        logger.warning("%s: %s rows are left out by collect.values", source, f"{left_out:,}")
    return kept


def _batch(batch: Batch, theirs: Translations) -> Batch:
    columns, stays = batch.columns, np.ones(len(batch.lines), bool)
    for name in theirs.keys() & set(columns.column_names):
        texts, ours = _texts(columns[name]), pa.array(list(theirs[name].values()), pa.string())
        if texts is None:
            continue
        found = pc.index_in(texts, value_set=pa.array(list(theirs[name]), pa.string())).combine_chunks()
        new = ours.take(found)
        if new.null_count < len(new):  # a column in which nothing is named keeps its type
            stays &= ~np.array(pc.fill_null(pc.equal(new, ""), False), bool)  # noqa: FBT003 - to fill in
            columns = columns.set_column(columns.column_names.index(name), name, pc.coalesce(new, texts))
    return Batch(batch.file, batch.lines[stays], columns.filter(pa.array(stays)))


def _row(row: RawRow, theirs: Translations) -> RawRow | None:
    values = dict(row.values)
    for name in theirs.keys() & values.keys():
        texts = _texts(pa.chunked_array([[values[name]]]))
        ours = theirs[name].get(texts[0].as_py()) if texts is not None else None
        if ours == "":
            return None
        values[name] = values[name] if ours is None else ours
    return replace(row, values=values)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Writes values as texts, as `true` and `1`; None for lists and the like, which no text names."""
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return None
