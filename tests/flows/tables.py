"""Tables of the input contract as CSV files."""

from __future__ import annotations

import csv
from pathlib import Path


def write_tables(folder: Path, params: str, **tables: list[dict[str, str]]) -> None:
    """An inbox: a file for each table, and params.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (folder / "params.yaml").write_text(params)
