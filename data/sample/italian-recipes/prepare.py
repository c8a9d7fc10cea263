"""Makes this folder's tables from the survey's tidy files: `python prepare.py SOURCE_FOLDER`.

A rank in a list of ten is the rating 11 - rank, on the scale of that list: the column `source` names it, and
ratings of different sources are never compared. What a person declared to like from 8 up of 10, or from 4
down (an
ingredient, a kind of dish, a way of cooking), is a like or dislike from the source `declared` of a dish with
that name.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent
LIST_SIZE = 10
LIKED_FROM, DISLIKED_TO = 8, 4
FLAGS = {
    "derived_meat": "meat",
    "derived_pork": "pork",
    "derived_fish_seafood": "fish",
    "derived_vegetarian": "vegetarian",
}


def main(source: Path) -> None:
    """Writes dishes.csv and events.csv."""
    declared = _read(source / "declared_likes.csv")
    dishes = [_dish(row) for row in _read(source / "dishes.csv")]
    subjects = sorted({row["subject"] for row in declared})
    dishes += [[f"about {subject}", subject, "", "", ""] for subject in subjects]
    _write("dishes.csv", ["dish_id", "name", "cuisine", "tags", "ingredients"], dishes)
    events = [
        [row["person"], row["dish_id"], "rating", str(LIST_SIZE + 1 - int(row["rank"])), f"{row['ts']}Z",
        f"list-{row['list']}"]
        for row in _read(source / "dish_rankings.csv")
    ]  # fmt: skip
    events += [
        [row["person"], f"about {row['subject']}", kind, "", f"{row['ts']}Z", "declared"]
        for row in declared
        if (kind := _kind(int(row["rating_1_10"])))
    ]
    _write("events.csv", ["person_id", "dish_id", "kind", "value", "occurred_at", "source"], events)


def _kind(rating: int) -> str:
    return "like" if rating >= LIKED_FROM else "dislike" if rating <= DISLIKED_TO else ""


def _dish(row: dict[str, str]) -> list[str]:
    by_weight = sorted(row["ingredients"].split(";"), key=lambda each: -int(each.partition(":")[2] or 1))
    ingredients = ";".join(each.partition(":")[0].strip().lower() for each in by_weight)
    ways = [each.strip().lower() for each in row["preparations"].split(";") if each.strip()]
    tags = [row["category"].lower(), *(name for flag, name in FLAGS.items() if row[flag] == "1"), *ways]
    return [row["dish_id"], row["name_it"], "Italian", ";".join(tags), ingredients]


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
