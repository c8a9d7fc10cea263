"""Open Food Facts' taxonomy of ingredients as an oracle: what it places under a group is not free of it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from components.domain.diet import DishFacts, permitted, read_restrictions

DATA = Path(__file__).parents[2] / "data" / "allergens"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.slow
def test_no_name_that_the_taxonomy_places_under_a_group_is_read_as_free_of_it() -> None:
    listed, errors = rows("taxonomy"), rows("taxonomy_errors")
    mistakes = {(row["group"], row["language"], row["name"]) for row in errors}
    free = set()
    for group in {row["group"] for row in listed}:
        names = [(row["language"], row["name"]) for row in listed if row["group"] == group]
        dishes = [
            DishFacts(f"{language}:{name}", "Dish of the day", ingredients=(name,))
            for language, name in names
        ]
        offered = permitted(dishes, read_restrictions("", [group], []))[0]
        free |= {(group, *dish.dish_id.split(":", 1)) for dish in offered}
    assert free == mistakes
