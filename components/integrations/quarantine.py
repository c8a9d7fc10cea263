"""The quarantine: a file in JSON Lines for each table, with the rows that broke the contract.

An unreadable line of such a file, as a torn file has one, counts as a row like a torn line of the inbox.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from components.domain.preferences.events import Quarantined
from components.domain.preferences.refused_text import LINE
from components.files import replace_text


def add(folder: Path, rows: Iterable[Quarantined]) -> int:
    """Adds rows to `folder/TABLE.jsonl`, except rows that are in it already with the same reason.

    Returns:
        Number of added rows.
    """
    folder.mkdir(parents=True, exist_ok=True)  # also without rows, since DVC tracks the folder
    new = 0
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(vars(row))
    for table, entries in by_table.items():
        path = folder / f"{table}.jsonl"
        stored = _lines(path)
        again, more = Counter(map(_content_of, stored)), []
        # In ASCII no row holds what ends a line elsewhere, or half a character.
        for line in map(json.dumps, entries):
            again[_content_of(line)] -= 1
            more += [line] if again[_content_of(line)] < 0 else []
        new += len(more)
        replace_text(path, "".join(f"{line}\n" for line in (*map(_in_ascii, stored), *more)))
    return new


def rows_of(folder: Path, table: str) -> list[Mapping[str, Any]]:
    """Reads the quarantined rows of a table, as they came."""
    return [_row(line) for line in _lines(folder / f"{table}.jsonl")]


def remove(folder: Path, concerns: Callable[[Mapping[str, Any]], bool]) -> int:
    """Removes rows from the quarantine.

    Args:
        concerns: Tells whether to remove a row, given its values by column.

    Returns:
        Number of removed rows.
    """
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        lines = _lines(path)
        rest = [line for line in lines if not concerns(_row(line))]
        removed += len(lines) - len(rest)
        replace_text(path, "".join(f"{line}\n" for line in rest))
    return removed


def holds(files: Iterable[Path], concerns: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Tells whether files of the present or an earlier quarantine have a row that `remove` would remove."""
    return any(concerns(_row(line)) for path in files for line in _lines(path))


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="backslashreplace") if path.exists() else ""
    return [line for line in text.split("\n") if line]


def _in_ascii(line: str) -> str:
    try:
        return json.dumps(json.loads(line))
    except ValueError:
        return line


def _content_of(line: str) -> tuple[str, ...]:
    """Extracts table, reason and row of a line, but not its place.

    An export that grows at its top moves all the rows below.
    """
    try:
        entry = json.loads(line)
        return str(entry["table"]), str(entry["reason"]), str(entry["row"])
    except (ValueError, TypeError, LookupError):
        return (line,)


def _row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(json.loads(line)["row"])
    except (ValueError, TypeError, KeyError):
        row = None
    return row if isinstance(row, dict) else {LINE: line}
