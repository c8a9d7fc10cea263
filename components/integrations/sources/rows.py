"""Rows of any source in the contract's columns, and what a reading leaves for the next one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.contract import TABLES, columns, required_columns
from components.domain.preferences.events import RawRow
from components.domain.preferences.refused_text import LINE
from components.integrations.sources.batches import Batch, Rows
from components.integrations.sources.columns import constant
from components.integrations.sources.shown import SHOWN, menus_and_choices
from components.integrations.sources.user_values import Translations, split_as_ours, translated

logger = logging.getLogger(__name__)
Names = Mapping[str, Mapping[str, str]]  # by table: the user's name of a column, by the contract's
NOTHING: Mapping[str, Translations] = {}
NAMED = 10  # columns outside the contract that a warning names; it counts the others
CONSTANT = "="  # before what is no name of a column but the value of all its rows
Watermarks = Mapping[str, str]  # by table: the highest time of the column in `collect.watermarks`, as text


@dataclass(frozen=True)
class Reading:
    """What one reading of a source gave.

    Attributes:
        tables: Rows by table.
        watermarks: From where the next reading may go on, by table.
    """

    tables: dict[str, Rows]
    watermarks: dict[str, str] = field(default_factory=dict)


def check_names(section: str, names: Mapping[str, Mapping[str, object]]) -> None:
    """Checks that a section of `collect` names tables and columns of the contract.

    Args:
        section: Of `collect`, for the message.
        names: By table whatever is given for columns of the contract.

    Raises:
        BadParams: A table or a column is of no contract.
    """
    for table, columns_of in names.items():
        if table not in TABLES:
            raise BadParams(f"collect.{section} names the table '{table}': it may name {', '.join(TABLES)}.")
        unknown = sorted(columns_of.keys() - {*columns(table), *([SHOWN] if table == "events" else [])})
        if unknown:
            raise BadParams(f"collect.{section}.{table} names '{unknown[0]}', which {table} do not have.")


def in_contract(
    table: str,
    source: str,
    rows: Rows,
    names: Names,
    separator: str,
    values: Mapping[str, Translations] = NOTHING,
) -> dict[str, Rows]:
    """Gives the rows of a file the contract's names of columns, without columns that it does not know.

    Args:
        table: Of the contract.
        source: Where the rows come from, for messages.
        rows: As the source has them; broken ones keep also the columns that the contract does not know.
        separator: What the user writes between the values of one cell.
        values: By table: the user's values, see `translated`.

    Returns:
        Rows by table: this one's, and the menus of events that list what was shown.

    Raises:
        DataRejected: A column that the contract needs is not there.
    """
    theirs = names.get(table, {})
    renamed = split_as_ours(source, _renamed(table, rows, theirs) if theirs else rows, separator)
    result = {}
    if table == "events" and SHOWN in renamed.column_names:
        result["menus"], renamed = menus_and_choices(source, renamed)
    _check_columns(table, source, rows.column_names, renamed.column_names, theirs)
    ours = translated(source, renamed, values.get(table, {}))
    return {**result, table: _known(table, source, ours)}


def _known(table: str, source: str, renamed: Rows) -> Rows:
    """Drops columns that the contract does not know."""
    unknown = renamed.column_names - set(columns(table))
    if not unknown:
        return renamed
    _warn(source, sorted(name for name in unknown if name.strip()))
    batches = [
        replace(batch, columns={name: batch.columns[name] for name in batch.columns if name not in unknown})
        for batch in renamed.batches
    ]
    return replace(renamed, batches=batches)


def _warn(source: str, unknown: Sequence[str]) -> None:
    """Warns of columns that are kept out, but for those without a name, which spreadsheets write."""
    if unknown:
        more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
        names = ", ".join(unknown[:NAMED])
        logger.warning("%s: columns outside the contract are kept out: %s%s", source, names, more)


def _renamed(table: str, rows: Rows, theirs: Mapping[str, str]) -> Rows:
    """Gives columns the contract's names, and adds constant columns."""
    hidden = theirs.keys() | (set(theirs.values()) - set(columns(table)))
    constants = {ours: its[1:] for ours, its in theirs.items() if its.startswith(CONSTANT)}

    def batch_of(batch: Batch) -> Batch:
        values = {name: column for name, column in batch.columns.items() if name not in hidden}
        named = {ours: batch.columns[its] for ours, its in theirs.items() if its in batch.columns}
        same = {ours: constant(text, len(batch.lines)) for ours, text in constants.items()}
        return replace(batch, columns=values | named | same)

    broken = [_cells_renamed(row, theirs) for row in rows.broken]
    return Rows([batch_of(batch) for batch in rows.batches], broken, rows.files)


def _cells_renamed(row: RawRow, theirs: Mapping[str, str]) -> RawRow:
    """Gives the cells of a broken row the contract's names; a line stays as it is."""
    if row.values.keys() == {LINE}:
        return row
    ours: dict[str, list[str]] = {}
    for name, its in theirs.items():
        ours.setdefault(its, []).append(name)
    cells = [
        (name, value)
        for its, value in row.values.items()
        for name in ours.get(its, [] if its in theirs else [its])
    ]
    return replace(row, values=dict(cells))


def _check_columns(
    table: str, source: str, names: Set[str], present: Set[str], theirs: Mapping[str, str]
) -> None:
    """Checks the columns under the contract's names; the sentence has the source's own `names`."""
    missing = [name for name in required_columns(table) if name not in present]
    if names and missing:
        absent = (
            f"{theirs[name]} (of {name}, in collect.columns)" if name in theirs else name for name in missing
        )
        raise DataRejected(
            f"{source} has no column {', '.join(absent)} (it has: {', '.join(sorted(names))}): "
            f"{table} need {', '.join(required_columns(table))}; collect.columns may give them other names."
        )
