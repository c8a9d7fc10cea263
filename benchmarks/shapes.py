"""Made-up events in many shapes, seeded: what mechanisms are tried on beside the sample sets.

In the shapes of RANDOM every choice, rating, like and order is drawn at random, so every rule, probe and
model must stand at one half.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

Row = dict[str, Any]
START = datetime(2026, 1, 5, tzinfo=UTC)
ON_MENU = 6


@dataclass(frozen=True)
class Events:
    """Rows of the input contract's tables.

    Attributes:
        dishes: Ids of all dishes.
        menus: Dish ids by menu id.
        rows: Rows of the events table.
    """

    dishes: tuple[str, ...]
    menus: dict[str, list[str]]
    rows: list[Row]


def event(person: int, dish: str, kind: str, at: datetime, menu: str = "", **more: Any) -> Row:
    """Builds a row of the events table."""
    row = {"person_id": f"p{person:04}", "dish_id": dish, "kind": kind, "menu_id": menu, "occurred_at": at}
    return row | {"value": None, "source": ""} | more


def _ids(count: int, draw: np.random.Generator) -> tuple[str, ...]:
    """Draws ids whose order says nothing."""
    return tuple(f"d{number:05}" for number in draw.permutation(count))


def menu_a_day(seed: int, people: int = 40, days: int = 12) -> Events:
    """Draws new dishes every day, and one choice a person."""
    draw = np.random.default_rng(seed)
    dishes, menus, rows = _ids(days * ON_MENU, draw), {}, []
    for day in range(days):
        menus[f"m{day}"] = list(dishes[day * ON_MENU : (day + 1) * ON_MENU])
        for person in range(people):
            at = START + timedelta(days=day, hours=11, minutes=int(draw.integers(90)))
            rows.append(event(person, str(draw.choice(menus[f"m{day}"])), "choice", at, f"m{day}"))
    return Events(dishes, menus, rows)


def standing_card(seed: int, people: int = 40, days: int = 12, meals: int = 1) -> Events:
    """Draws choices from one menu for ever; with two meals, lunch and dinner come from the same card."""
    draw = np.random.default_rng(seed)
    dishes, rows = _ids(ON_MENU + 2, draw), []
    for day in range(days):
        for person in range(people):
            for meal in range(meals):
                at = START + timedelta(days=day, hours=11 + 8 * meal, minutes=int(draw.integers(90)))
                rows.append(event(person, str(draw.choice(dishes)), "choice", at, "card"))
    return Events(dishes, {"card": list(dishes)}, rows)


def rolling_menus(seed: int, people: int = 40, days: int = 12) -> Events:
    """Draws choices from a menu that changes one dish a day, of evening guests far west of Greenwich."""
    draw = np.random.default_rng(seed)
    dishes, menus, rows = _ids(days + ON_MENU, draw), {}, []
    for day in range(days):
        menus[f"m{day}"] = list(dishes[day : day + ON_MENU])
        for person in range(people):
            at = START + timedelta(days=day, hours=22, minutes=int(draw.integers(240)))
            rows.append(event(person, str(draw.choice(menus[f"m{day}"])), "choice", at, f"m{day}"))
    return Events(dishes, menus, rows)


def ratings(seed: int, people: int = 60, dishes: int = 30, count: int = 24, again: float = 0.0) -> Events:
    """Draws ratings from 1 to 5 over three weeks; a share `again` goes to dishes that were rated before."""
    draw = np.random.default_rng(seed)
    ids, rows = _ids(dishes, draw), []
    for person in range(people):
        order = draw.permutation(dishes)[:count]
        rated: list[int] = []
        for number in range(count):
            dish = int(draw.choice(rated)) if rated and draw.random() < again else int(order[number])
            rated.append(dish)
            at = START + timedelta(days=int(21 * number / count), minutes=int(draw.integers(1000)))
            source = "test" if number % 4 == 0 else "train"
            rows.append(
                event(person, ids[dish], "rating", at, value=float(draw.integers(1, 6)), source=source)
            )
    return Events(ids, {}, rows)


def popular_orders(
    seed: int, people: int = 60, dishes: int = 20, days: int = 14, kind: str = "order"
) -> Events:
    """Draws orders (or likes) without menus; dishes differ much in popularity, people do not."""
    draw = np.random.default_rng(seed)
    ids, rows = _ids(dishes, draw), []
    weights = 1.0 / np.arange(1, dishes + 1)
    weights /= weights.sum()
    for person in range(people):
        for day in range(days):
            count = int(draw.integers(1, 3))
            for dish in draw.choice(dishes, size=count, replace=False, p=weights):
                at = START + timedelta(days=day, hours=12, minutes=int(draw.integers(120)))
                rows.append(event(person, ids[dish], kind, at))
    return Events(ids, {}, rows)


def many_ratings(
    seed: int, people: int = 1000, dishes: int = 80, count: int = 60, factors: int = 4
) -> Events:
    """Draws ratings from 1 to 5 of most dishes by everybody: latent factors, dish and person means."""
    draw = np.random.default_rng(seed)
    ids, rows = _ids(dishes, draw), []
    loadings, tastes = draw.normal(size=(dishes, factors)), draw.normal(size=(people, factors))
    dish_mean, person_mean = draw.normal(0, 0.4, dishes), draw.normal(0, 0.4, people)
    score = 3 + dish_mean[None] + person_mean[:, None] + 0.5 * tastes @ loadings.T
    score += draw.normal(0, 0.7, score.shape)
    for person in range(people):
        for number, dish in enumerate(draw.permutation(dishes)[:count]):
            value = float(np.clip(round(score[person, dish]), 1, 5))
            source = "test" if number % 4 == 0 else "train"
            at = START + timedelta(days=number // 3, minutes=int(draw.integers(1000)))
            rows.append(event(person, ids[dish], "rating", at, value=value, source=source))
    return Events(ids, {}, rows)


def many_choices(seed: int, people: int = 600, dishes: int = 60, days: int = 20, factors: int = 4) -> Events:
    """Draws choices from a menu a day of recurring dishes, by latent factors and how good a dish is."""
    draw = np.random.default_rng(seed)
    ids, menus, rows = _ids(dishes, draw), {}, []
    loadings, tastes = draw.normal(size=(dishes, factors)), draw.normal(size=(people, factors))
    score = draw.normal(0, 0.7, dishes)[None] + 0.7 * tastes @ loadings.T
    for day in range(days):
        offered = draw.permutation(dishes)[:ON_MENU]
        menus[f"m{day}"] = [ids[dish] for dish in offered]
        noise = draw.gumbel(size=(people, ON_MENU))
        for person, first in enumerate(np.argmax(score[:, offered] + noise, axis=1).tolist()):
            at = START + timedelta(days=day, hours=11, minutes=int(draw.integers(90)))
            rows.append(event(person, menus[f"m{day}"][first], "choice", at, f"m{day}"))
    return Events(ids, menus, rows)


def many_orders(
    seed: int, people: int = 600, dishes: int = 60, days: int = 20, factors: int = 4, kind: str = "order"
) -> Events:
    """Draws two orders (or likes) a day without a menu, by latent factors and how good a dish is."""
    draw = np.random.default_rng(seed)
    ids, rows = _ids(dishes, draw), []
    loadings, tastes = draw.normal(size=(dishes, factors)), draw.normal(size=(people, factors))
    score = draw.normal(0, 0.7, dishes)[None] + 0.7 * tastes @ loadings.T
    for day in range(days):
        first = np.argpartition(-score - draw.gumbel(size=score.shape), 2, axis=1)[:, :2]
        for person, number in itertools.product(range(people), range(2)):
            at = START + timedelta(days=day, hours=11, minutes=int(draw.integers(90)))
            rows.append(event(person, ids[first[person, number]], kind, at))
    return Events(ids, {}, rows)


RANDOM: dict[str, Callable[[int], Events]] = {
    "a menu a day": menu_a_day,
    "a standing card": standing_card,
    "lunch and dinner on one card": lambda seed: standing_card(seed, people=25, meals=2),
    "rolling menus": rolling_menus,
    "ratings": ratings,
    "dishes rated again": lambda seed: ratings(seed, again=0.3),
    "orders of popular dishes": popular_orders,
    "likes of popular dishes": lambda seed: popular_orders(seed, kind="like"),
}
