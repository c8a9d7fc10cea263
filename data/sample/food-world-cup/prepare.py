"""Makes this folder's tables from the poll's tidy files: `python prepare.py SOURCE_FOLDER`.

Each cuisine is a dish. The poll has no times: every event gets the poll's first day, and the column `source`
says whether the frozen split (`split_p1_seed0.csv`) trains on it or tests it.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

# Sub-region and region of the United Nations' standard M49 (unstats.un.org/unsd/methodology/m49).
REGIONS = {
    ("Northern Africa", "Africa"): ["Algeria"],
    ("Eastern Africa", "Africa"): ["Ethiopia"],
    ("Middle Africa", "Africa"): ["Cameroon"],
    ("Western Africa", "Africa"): ["Ghana", "Ivory Coast", "Nigeria"],
    ("Caribbean", "Americas"): ["Cuba"],
    ("Central America", "Americas"): ["Costa Rica", "Honduras", "Mexico"],
    ("South America", "Americas"): ["Argentina", "Brazil", "Chile", "Colombia", "Ecuador", "Uruguay"],
    ("Northern America", "Americas"): ["United States"],
    ("Eastern Asia", "Asia"): ["China", "Japan", "South Korea"],
    ("South-eastern Asia", "Asia"): ["Thailand", "Vietnam"],
    ("Southern Asia", "Asia"): ["India", "Iran"],
    ("Western Asia", "Asia"): ["Turkey"],
    ("Eastern Europe", "Europe"): ["Russia"],
    ("Northern Europe", "Europe"): ["England", "Ireland"],
    ("Southern Europe", "Europe"): [
        "Bosnia and Herzegovina", "Croatia", "Greece", "Italy", "Portugal", "Spain",
    ],
    ("Western Europe", "Europe"): ["Belgium", "France", "Germany", "Netherlands", "Switzerland"],
    ("Australia and New Zealand", "Oceania"): ["Australia"],
}  # fmt: skip

HERE = Path(__file__).parent
POLLED = "2014-06-01T00:00:00Z"


def main(source: Path) -> None:
    """Writes dishes.csv and events.csv."""
    ratings = _read(source / "split_p1_seed0.csv")
    cuisines = sorted({row["cuisine"] for row in ratings})
    tags = {country: ";".join(names) for names, countries in REGIONS.items() for country in countries}
    dishes = [[cuisine, f"food of {cuisine}", tags[cuisine]] for cuisine in cuisines]
    _write("dishes.csv", ["dish_id", "name", "tags"], dishes)
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
