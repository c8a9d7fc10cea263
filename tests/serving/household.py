"""A household that the tests of /plan publish, and what they ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from components.domain.catalogue import Thresholds
from components.domain.diet.nutrition import Amount, Nutrition
from components.domain.preferences.contract import columns
from components.domain.records import DISLIKED, LIKED, Past
from components.integrations.service_store import Catalogue
from tests.serving.conftest import send
from tests.serving.published import ADA, BOB, EMPTY, lines


def amounts_of(kcal: float, protein: float | None) -> Nutrition:
    amounts = {"kcal": Amount(kcal, kcal * 1.1, "serving", "estimated")}
    if protein is not None:
        others = {
            "protein_g": protein,
            "fat_g": 10.0,
            "saturated_g": 3.0,
            "sugars_g": 5.0,
            "sodium_mg": 300.0,
        }
        amounts |= {name: Amount(amount, amount, "serving", "declared") for name, amount in others.items()}
    return Nutrition(amounts)


def costing(nutrition: Nutrition, price: float, minutes: float) -> Nutrition:
    costs = {"price": Amount(price, price, "serving", "declared")}
    costs["minutes"] = Amount(minutes, minutes, "serving", "declared")
    return Nutrition({**nutrition.amounts, **costs})


def dish_row(dish_id: str, name: str, ingredients: str, tags: str, nutrition: Nutrition) -> dict[str, Any]:
    lists = {"ingredients": tuple(ingredients.split(", ")), "tags": tuple(tags.split())}
    return (
        dict.fromkeys(columns("dishes"))
        | EMPTY
        | {"dish_id": dish_id, "name": name}
        | lists
        | {"nutrition": nutrition}
    )


DISHES = [
    dish_row("peas", "Peas with carrots", "peas, carrots", "main vegan", costing(amounts_of(300, 10), 2, 20)),
    dish_row("rice", "Rice with peas", "rice, peas", "main vegan", amounts_of(500, 12)),
    dish_row("lentils", "Lentil stew", "lentils, carrots", "main vegan", costing(amounts_of(600, 30), 3, 40)),
    dish_row("cod", "Cod with potatoes", "cod, potatoes", "main fish", costing(amounts_of(400, 40), 8, 25)),
    dish_row("beef", "Beef with beans", "beef, beans", "main meat", amounts_of(700, 50)),
    dish_row("cake", "Almond cake", "almonds, sugar", "sweet", amounts_of(450, None)),
]
PEOPLE: list[Mapping[str, Any]] = [ADA, BOB, {**ADA, "person_id": "odd", "diet": "breatharian"}]
MONDAY, TUESDAY, FRIDAY = (date(2027, 3, day) for day in (1, 2, 5))
MENUS = [(MONDAY, "peas"), (MONDAY, "cake"), (TUESDAY, "cod"), (TUESDAY, "gone"), (FRIDAY, "beef")]
DINNER = {"name": "dinner", "tags": ["main"]}


def publish_household(url: str) -> str:
    """Publishes the dishes and the people; returns the url."""
    histories = [
        ("ada", lines(Past("cod", LIKED), Past("beef", LIKED), Past("rice", DISLIKED))),
        ("bob", lines(Past("peas", LIKED))),
    ]
    rows = [(dish, 0.5, True) for dish in DISHES]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, PEOPLE, histories, menus=MENUS)
    return url


def planned(address: str, **body: Any) -> dict[str, Any]:
    """The answer to a household's request, by default Ada's dinners of three days."""
    household = {"people": [{"person_id": "ada"}], "days": 3, "slots": [DINNER]}
    status, answer, _ = send(f"{address}/plan", **(household | body))
    assert status == 200, answer
    return answer


def ids_of(answer: dict[str, Any]) -> list[list[str]]:
    """The dishes of each meal."""
    return [[dish["dish_id"] for dish in meal["dishes"]] for meal in answer["meals"]]
