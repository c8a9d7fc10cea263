"""Makes this folder's tables from the poll's tidy files: `python prepare.py SOURCE_FOLDER`.

Each cuisine is a dish. The poll has no times: every event gets the poll's first day, and the column `source`
says whether the frozen split (`split_p1_seed0.csv`) trains on it or tests it.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent
POLLED = "2014-06-01T00:00:00Z"


def main(source: Path) -> None:
    """Writes dishes.csv and events.csv."""
    ratings = _read(source / "split_p1_seed0.csv")
    cuisines = sorted({row["cuisine"] for row in ratings})
    _write("dishes.csv", ["dish_id", "name"], [[cuisine, f"food of {cuisine}"] for cuisine in cuisines])
    events = [
        [row["person"], row["cuisine"], "rating", row["rating"], POLLED, row["split"]] for row in ratings
    ]
    _write("events.csv", ["person_id", "dish_id", "kind", "value", "occurred_at", "source"], events)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(name: str, header: list[str], rows: list[list[str]]) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
