"""Made-up sets on which whole nights run: tastes of latent factors, on dishes whose names say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.clones import write_events, write_params
from benchmarks.shapes import Events, many_choices, many_orders, many_ratings

FEW = {"subset": 50}  # comparisons that the untuned base answers in context, which costs most of a night
BY_TIME = {"split": {"by": "time", "test_days": 10}, "evaluate": FEW}
BY_SOURCE = {
    "split": {"by": "source", "test_sources": ["test"]},
    "evaluate": FEW,
    "check": {"value_range": [1, 5]},
}
MADE_UP: dict[str, tuple[Callable[[int], Events], dict[str, Any]]] = {
    "many-ratings": (many_ratings, BY_SOURCE),
    "many-choices": (many_choices, BY_TIME),
    "many-orders": (many_orders, BY_TIME),
}


def write_set(inbox: Path, name: str) -> None:
    """Fills a folder with the tables and params of a made-up set."""
    draw, params = MADE_UP[name]
    inbox.mkdir(parents=True, exist_ok=True)
    write_tables(inbox, draw(0))
    write_params(inbox, params)


def write_tables(inbox: Path, events: Events) -> None:
    """Fills a folder with the tables of made-up events."""
    dishes = [{"dish_id": dish, "name": f"dish {dish}"} for dish in events.dishes]
    days = {row["menu_id"]: row["occurred_at"].date() for row in events.rows}
    menus = [
        {"menu_id": menu, "served_on": days[menu], "dish_id": dish}
        for menu, offered in events.menus.items()
        for dish in offered
    ]
    tables = {"dishes": dishes, "menus": menus, "events": events.rows}
    for table, rows in tables.items():
        if rows:
            write_events(inbox / f"{table}.csv", rows)
