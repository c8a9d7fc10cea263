"""Pages of results: Markdown tables, intervals in words, and the files that a benchmark leaves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.sample import REPO
from components.domain.verdict.metrics import Interval

RESULTS = REPO / "benchmarks" / "results"


def table(heading: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """Writes the lines of a Markdown table; its heading is written `one | other`."""
    columns = heading.split(" | ")
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def in_words(interval: Interval, sign: str = "") -> str:
    """Writes a mean with its bounds; sign "+" shows that of positive numbers, too."""
    return f"{interval.mean:{sign}.3f} ({interval.bounds(f'{sign}.3f')})"


def publish(path: Path, page: str) -> None:
    """Prints a page and writes it."""
    path.write_text(page)
    print(page)
