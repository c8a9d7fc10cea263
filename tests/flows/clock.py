"""Programs whose time of day is moved; the clock that nobody can set is left to them."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from tests.conftest import needs


def moved(folder: Path, by: timedelta) -> dict[str, str]:
    """The environment of programs whose clock is moved; `move` moves it on while they run.

    Args:
        folder: Where the clock is; one clock a folder.
        by: How far ahead it is.
    """
    needs("gcc")
    library, source = folder / "clock.so", Path(__file__).with_name("clock.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    move(folder, by)
    return {"LD_PRELOAD": str(library), "CLOCK_FILE": str(folder / "clock")}


def move(folder: Path, by: timedelta) -> None:
    """Moves the clock of a folder."""
    coming = folder / "clock.coming"
    coming.write_text(str(int(by.total_seconds())))
    coming.replace(folder / "clock")
