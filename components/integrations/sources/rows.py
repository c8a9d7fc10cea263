"""Rows of any source in the contract's columns, and what a reading leaves for the next one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.contract import TABLES, columns, required_columns
from components.domain.preferences.events import RawRow

logger = logging.getLogger(__name__)
Names = Mapping[str, Mapping[str, str]]  # by table: the user's name of a column, by the contract's
CONSTANT = "="  # before what is no name of a column but the value of all its rows
Watermarks = Mapping[str, str]  # by table: the highest time of the column in `collect.watermarks`, as text


@dataclass(frozen=True)
class Reading:
    """What a source gave.

    Attributes:
        tables: Rows by table.
        watermarks: From where the next reading may go on, by table.
    """

    tables: dict[str, list[RawRow]]
    watermarks: dict[str, str] = field(default_factory=dict)


def check_names(section: str, names: Names) -> None:
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
        unknown = sorted(columns_of.keys() - set(columns(table)))
        if unknown:
            raise BadParams(f"collect.{section}.{table} names '{unknown[0]}', which {table} do not have.")


def in_contract(table: str, source: str, rows: Sequence[RawRow], names: Names) -> list[RawRow]:
    """The rows under the contract's names of columns, without columns that it does not know.

    Args:
        table: Of the contract.
        source: Where the rows come from, for messages.
        rows: As the source has them; those with a problem stay as they are.
        names: The user's names of columns.

    Raises:
        DataRejected: A column that the contract needs is not there.
    """
    theirs = names.get(table, {})
    renamed = [row if row.problem or not theirs else _renamed(table, row, theirs) for row in rows]
    present = {name for row in renamed if not row.problem for name in row.values}
    _check_columns(table, source, present, theirs)
    unknown = sorted(present - set(columns(table)))
    if not unknown:
        return renamed
    logger.warning("%s: columns outside the contract are kept out: %s", source, ", ".join(unknown))
    left_out = set(unknown)
    return [
        row
        if row.problem
        else replace(row, values={name: each for name, each in row.values.items() if name not in left_out})
        for row in renamed
    ]


def _renamed(table: str, row: RawRow, theirs: Mapping[str, str]) -> RawRow:
    hidden = theirs.keys() | (set(theirs.values()) - set(columns(table)))
    values = {name: value for name, value in row.values.items() if name not in hidden}
    named = {ours: row.values[its] for ours, its in theirs.items() if its in row.values}
    same = {ours: its[1:] for ours, its in theirs.items() if its.startswith(CONSTANT)}
    return replace(row, values=values | named | same)


def _check_columns(table: str, source: str, present: set[str], theirs: Mapping[str, str]) -> None:
    missing = [name for name in required_columns(table) if name not in present]
    if present and missing:
        absent = (
            f"{theirs[name]} (of {name}, in collect.columns)" if name in theirs else name for name in missing
        )
        raise DataRejected(
            f"{source} has no column {', '.join(absent)} (it has: {', '.join(sorted(present))}): "
            f"{table} need {', '.join(required_columns(table))}; collect.columns may give them other names."
        )
