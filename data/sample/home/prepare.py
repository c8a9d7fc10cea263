"""Writes this folder's tables: a catalogue of what people eat at home, and three made-up people.

Nutrients are those of data/foods, brought from 100 g to a serving of servings.tsv. Names and ingredients
are those of dishes.tsv, written for this sample. Run it here: `python prepare.py`.
"""

from __future__ import annotations

import csv
import random
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

NUTRIENTS = ("kcal", "protein_g", "fat_g", "saturated_g", "carbs_g", "sugars_g", "fibre_g", "sodium_mg")
COLUMNS = ("dish_id", "name", "tags", "ingredients", "serving_g", *NUTRIENTS)
FIRST_DAY, DAYS, STATED, FLIPPED, SEED = date(2025, 9, 1), 70, 60, 0.1, 11
HOURS = {"breakfast": 7, "drink": 10, "snack": 16, "main": 19, "side": 19}
HERE = Path(__file__).resolve().parent
FOODS = HERE.parents[1] / "foods/foods.csv"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist.

    Attributes:
        likes: Words of names, tags and ingredients that speak for a dish.
        dislikes: Words that speak against it.
        never: Words of what the person does not eat: says nothing of such a dish, nor of one without a list.
    """

    person_id: str
    likes: tuple[str, ...]
    dislikes: tuple[str, ...]
    diet: str = ""
    allergies: str = ""
    avoids: str = ""
    never: tuple[str, ...] = ()

    def says(self, dish: Sequence[str]) -> int:
        """Counts the words that speak for a dish, less those that speak against it."""
        text = f"{dish[1]};{dish[2]};{dish[3]}".lower()
        if self.never and (not dish[3] or any(word in text for word in self.never)):
            return 0
        return sum(word in text for word in self.likes) - sum(word in text for word in self.dislikes)


NUTS = ("nut", "almond", "cashew", "pistachio", "chocolate")
MEAT = ("meat", "beef", "pork", "ham", "bacon", "lamb", "poultry", "chicken", "turkey")
SEA = ("fish", "seafood", "shellfish", "shrimp")
PEOPLE = (
    Person(
        "ada",
        ("soup", "fish", "curry", "ginger", "rice", "tomato", "fruit"),
        ("sugar", "cream", "cheese", "coffee", "beef", "cookies"),
        allergies="peanuts;tree nuts",
        avoids="mushrooms",
        never=(*NUTS, "mushroom"),
    ),
    Person(
        "ben",
        ("cheese", "pasta", "eggs", "spinach", "pancakes", "potato", "bread"),
        ("tofu", "beet", "cabbage", "rice", "juice", "lentils", "celery"),
        diet="vegetarian",
        never=(*MEAT, *SEA),
    ),
    Person(
        "cleo",
        ("beef", "poultry", "chilli", "potato", "beans", "coffee", "yogurt"),
        ("fish", "seafood", "mushroom", "coconut", "cereal", "sandwich", "cookies"),
    ),
)


def main() -> None:
    """Writes dishes.csv, people.csv and events.csv."""
    dishes = _dishes()
    _write("dishes", COLUMNS, dishes)
    people = [(each.person_id, each.diet, each.allergies, each.avoids) for each in PEOPLE]
    _write("people", ("person_id", "diet", "allergies", "avoids"), people)
    draw = random.Random(SEED)
    events = [event for person in PEOPLE for event in _events(person, dishes, draw)]
    _write("events", ("person_id", "dish_id", "kind", "occurred_at"), events)


def _dishes() -> list[list[str]]:
    foods = {row["name"]: row for row in _read(FOODS) if row["source"] == "FNDDS"}
    servings = _read(HERE / "servings.tsv")
    return [_dish(row, foods[row["food"]], servings) for row in _read(HERE / "dishes.tsv")]


def _dish(row: Row, food: Row, servings: Sequence[Row]) -> list[str]:
    of_category = [each for each in servings if each["category"] == food["category"]]
    fitting = [each for each in of_category if food["name"].startswith(each["food_begins"])]
    serving = max(fitting, key=lambda each: len(each["food_begins"]))
    amounts = [f"{float(food[name]) * float(serving['serving_g']) / 100:.1f}" for name in NUTRIENTS]
    letters = unicodedata.normalize("NFKD", row["name"]).encode("ascii", "ignore").decode().lower()
    dish_id = "-".join("".join(letter if letter.isalnum() else " " for letter in letters).split())
    return [dish_id, row["name"], serving["tags"], row["ingredients"], serving["serving_g"], *amounts]


def _events(person: Person, dishes: Sequence[Sequence[str]], draw: random.Random) -> list[Sequence[str]]:
    """Draws the dishes that a person speaks of; what they say follows their words, but for a share."""
    spoken_of = draw.sample([dish for dish in dishes if person.says(dish)], STATED)
    events = []
    for number, dish in enumerate(spoken_of):
        is_liked = (person.says(dish) > 0) != (draw.random() < FLIPPED)
        on = FIRST_DAY + timedelta(days=number * DAYS // STATED)
        at = f"{on}T{HOURS[dish[2].split(';')[0]]:02}:{draw.randrange(60):02}:00Z"
        events.append((person.person_id, dish[0], "like" if is_liked else "dislike", at))
    return events


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def _write(table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (HERE / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
