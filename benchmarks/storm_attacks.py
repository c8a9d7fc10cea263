"""What the storm sends to a service: hostile requests of every kind, drawn by a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DISHES = 60  # of a large answer
TEXT = "pine nut stew with braised chard and a crust of rye " * 17  # of each of them
MALFORMED = (
    b"{",
    b"[" * 2000,
    b"\xff\xfe",
    b'{"person_id": "p", "dish_id": "d", "kind": "rating", "value": NaN}',
)


@dataclass(frozen=True)
class Attack:
    """One hostile request.

    Attributes:
        kind: What it tries; requests are counted by it.
        path: Of the request.
        body: As it is sent.
        method: Of HTTP.
        media: Content type; empty for none.
    """

    kind: str
    path: str
    body: bytes
    method: str = "POST"
    media: str = "application/json"


@dataclass(frozen=True)
class Target:
    """What an attacker knows.

    Attributes:
        dishes: Ids of the catalogue; the attacker wants the first one to be popular.
        people: Ids of people of the inbox; the attacker is the first one.
        event_ids: Ids that rows of the inbox have, or will have on the next day.
    """

    dishes: Sequence[str]
    people: Sequence[str]
    event_ids: Sequence[str]


def attacks(target: Target, seed: int) -> Iterator[Attack]:
    """Yields attacks without an end."""
    draw, number = random.Random(seed), 0
    while True:
        number += 1
        yield draw.choice([*_of_feedback(target, draw, number), *_of_the_door(target, draw, number)])


def _of_feedback(target: Target, draw: random.Random, number: int) -> Iterator[Attack]:
    person, dish, target_dish = draw.choice(target.people), draw.choice(target.dishes), target.dishes[0]
    now = datetime.now(UTC)
    ago = (now - timedelta(days=draw.randrange(1, 400))).isoformat()
    bodies = {
        "unknown dish": {"dish_id": f"nope {number}"},
        "id of the inbox": {"person_id": f"stranger {number % 9}", "event_id": draw.choice(target.event_ids)},
        "invented person": {"person_id": f"nobody {number}", "dish_id": target_dish},
        "orders of one person": {
            "person_id": target.people[0],
            "dish_id": target_dish,
            "kind": "order",
            "occurred_at": (now - timedelta(seconds=number)).isoformat(),
        },
        "thin day": {"person_id": target.people[0], "occurred_at": ago},
    }
    for kind, body in bodies.items():
        like = {"person_id": person, "dish_id": dish, "kind": "like"}
        yield Attack(kind, "/feedback", json.dumps(like | body).encode())


def _of_the_door(target: Target, draw: random.Random, number: int) -> Iterator[Attack]:
    dishes = [
        {"dish_id": f"x{number}-{position}", "name": f"{number} {position}", "description": TEXT}
        for position in range(DISHES)
    ]
    large = {"person_id": target.people[0], "history": [], "dishes": dishes}
    two_keys = b'{"person_id": "p", "k": 3, "allergies": ["milk"], "allergies": []}'
    yield Attack("large answer", "/rank", json.dumps(large).encode())
    yield Attack("two keys", "/recommend", two_keys)
    yield Attack("canary without a type", "/canary", b"", media="")
    yield Attack("erasure of nobody", f"/people/ghost-{number % 60}", b"", "DELETE")
    yield Attack("malformed", "/feedback", draw.choice(MALFORMED))
