"""The state's SQLite databases, looked at before Prefect or MLflow open them and try for minutes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from components.domain.errors import StageFailed
from flows.environment import STATE

DATABASES = (STATE / "mlflow.db", STATE / "prefect" / "prefect.db", STATE / "service.db")
SQLITE = b"SQLite format 3\0"  # begins every file of it
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
PRIMARY = 0xFF  # the bits of SQLite's extended error codes that are the kind of error
MAX_S = 2.0  # of a look at one database; 170 MB take 0.1 s where they are in memory
OPERATIONS = 1000  # of SQLite's machine between two looks at the time


def check() -> None:
    """Checks that the state's databases are whole, each for at most MAX_S seconds.

    A database that takes longer is checked in part.

    Raises:
        StageFailed: A database is damaged.
    """
    for path in filter(Path.exists, DATABASES):
        damage = damage_of(path)
        if damage:
            raise StageFailed(
                f"{path} is damaged: {damage}. Stop `make up`, or whatever else uses it, first. Then bring "
                "it back from a back-up, or remove it to begin anew without what it held."
            )


def damage_of(path: Path) -> str:
    """Checks a database's file for damage and describes it; empty where MAX_S seconds find nothing wrong."""
    with path.open("rb") as file:
        head = file.read(len(SQLITE))
    if not head:
        return ""  # SQLite makes an empty database of it
    if head != SQLITE:
        return "it is no SQLite database"
    end = time.monotonic() + MAX_S
    try:
        # Read-only, so that nothing changes; does not wait for another process that uses the file.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", timeout=0, uri=True)) as database:
            database.set_progress_handler(lambda: time.monotonic() > end, OPERATIONS)
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY
        return f"SQLite says '{error}'" if code in DAMAGE else ""  # else it is locked, or time is up
    return "" if answer == "ok" else f"SQLite says '{' '.join(str(answer).split())}'"
