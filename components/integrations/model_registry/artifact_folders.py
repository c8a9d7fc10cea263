"""Rewrites the absolute paths of artifacts in MLflow's database, which are wrong in another clone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

# Columns of MLflow's tables that name a folder of artifacts.
COLUMNS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def move_artifacts(database: Path, artifacts: Path) -> None:
    """Rewrites the paths in a copied or moved database to the artifacts that came with it.

    Args:
        database: MLflow's SQLite database.
        artifacts: Folder in which the artifacts lie now; its name is the same as before.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        for table, column in COLUMNS.items():
            if table not in tables:
                continue
            rows = connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()  # noqa: S608
            for (location,) in rows:
                before, name, rest = str(location or "").rpartition(f"/{artifacts.name}")
                if name and before.startswith("file:") and rest[:1] in {"", "/"}:
                    row = artifacts.resolve().as_uri() + rest, location
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", row)  # noqa: S608
