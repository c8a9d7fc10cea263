"""What the tests of people publish, and what they ask the service for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from components.domain.catalogue import Line, Thresholds
from components.domain.preferences.contract import columns
from components.domain.records import DISLIKED, LIKED, Past
from components.integrations.service_store import Catalogue
from tests.serving.conftest import send

EMPTY = {"description": "", "cuisine": "", "tags": (), "ingredients": (), "allergens": None}
DISHES = [
    {"dish_id": "peas", "name": "Peas with carrots", "ingredients": ("peas", "carrots")},
    {"dish_id": "cake", "name": "Almond cake", "ingredients": ("almonds", "sugar")},
]
MENU = [{"dish_id": "1", "name": "Pea stew"}, {"dish_id": "2", "name": "Roulade"}]
BOB = {"person_id": "bob", "diet": "vegan", "allergies": ("nuts",), "avoids": ("okra",)}
ADA = {"person_id": "ada", "diet": "", "allergies": (), "avoids": ()}
LIKE = {"person_id": "bob", "dish_id": "peas", "kind": "like"}


def lines(*history: Past) -> list[Line]:
    """A history of stated opinions, one a day, of which feedback knows nothing yet."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return [Line(past, first + timedelta(days=day), "", is_stated=True) for day, past in enumerate(history)]


def publish(url: str, people: list[Mapping[str, Any]], version: str = "v1") -> None:
    """Publishes dishes and people, each with a history of two dishes."""
    rows = [(dict.fromkeys(columns("dishes")) | EMPTY | dish, 0.5, True) for dish in DISHES]
    histories = [
        (row["person_id"], lines(Past("peas", LIKED), Past("cake", DISLIKED, 1.0))) for row in people
    ]
    Catalogue(url).publish(version, Thresholds(4, 2), rows, people, histories)


def ranked_for(address: str, person: str = "bob") -> dict[str, Any]:
    """The answer to a menu that is ranked for a person."""
    status, answer, _ = send(f"{address}/rank", **{"person_id": person, "dishes": MENU})
    assert status == 200
    return answer
