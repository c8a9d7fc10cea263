"""Makes this folder's tables from the carbonfood experiment's tidy files: `python prepare.py SOURCE_FOLDER`.

Keeps person-days with one main dish: a card that paid for several may have paid for friends. Till times are
local (Munich in November, UTC+1). The soup of the day is part of a dish's name in the till and becomes its
description.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(source: Path) -> None:
    """Writes dishes.csv, menus.csv and events.csv."""
    menu = _read(source / "menus.csv")
    dishes = []
    for row in menu:
        name, soup, _ = row["name"].partition(", soup of the da")
        kind = "with meat or fish" if row["contains_meat_or_fish"] == "1" else "vegetarian"
        description = f"{kind}, soup of the day" if soup else kind
        tags = ";".join([kind.removeprefix("with "), *(["soup"] if soup else [])])
        dishes.append([row["dish_id"], name.rstrip(" ("), description, tags])
    _write("dishes.csv", ["dish_id", "name", "description", "tags"], dishes)
    _write(
        "menus.csv",
        ["menu_id", "served_on", "dish_id"],
        [[row["day"], row["day"], row["dish_id"]] for row in menu],
    )
    choices = [row for row in _read(source / "choices.csv") if row["n_main_dishes_that_day"] == "1"]
    events = [
        [row["person"], row["dish_id"], "choice", row["ts"][:10], f"{row['ts']}+01:00"] for row in choices
    ]
    _write("events.csv", ["person_id", "dish_id", "kind", "menu_id", "occurred_at"], events)


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
