"""Accepted tables as the numbered arrays of the main path: dishes, menus and the log of opinions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.domain.preferences.tables import NO_MENU, Ints, OpinionLog, timestamp
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish

_VERDICTS = {"like": LIKED, "choice": LIKED, "dislike": DISLIKED}


@dataclass(frozen=True, eq=False)
class Menus:
    """The dishes of each menu, menu after menu.

    Attributes:
        dish: Index into the log's `dishes`, in the order of each menu.
        sizes: Number of dishes of each of the log's `menus`.
    """

    dish: Ints
    sizes: Ints


def dishes_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Dish]:
    """Rows of the dishes table as dishes by id, ordered by id."""
    dishes = {
        row["dish_id"]: Dish(
            row["dish_id"],
            row["name"],
            row["description"] or "",
            row["cuisine"] or "",
            tuple(row["tags"] or ()),
            tuple(row["ingredients"] or ()),
        )
        for row in rows
    }
    return dict(sorted(dishes.items()))


def menus_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Rows of the menus table as dish ids by menu id."""
    menus: dict[str, list[str]] = {}
    for row in rows:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    return menus


def opinion_log(
    rows: Iterable[Mapping[str, Any]],
    dishes: Iterable[str],
    menus: Mapping[str, Sequence[str]],
    like_at: float,
    dislike_at: float,
) -> tuple[OpinionLog, Menus]:
    """Rows of the events table as a log, ordered by person, moment, source, menu and dish.

    Args:
        rows: Events in any order.
        dishes: All dish ids.
        menus: Dish ids by menu id.
        like_at: A rating is a like from here up.
        dislike_at: A rating is a dislike from here down.
    """
    events = list(rows)
    vocabulary = {
        "person": sorted({row["person_id"] for row in events}),
        "dish": sorted(dishes),
        "menu": sorted(menus),
        "source": sorted({row["source"] for row in events}),
    }
    number = {
        name: {value: index for index, value in enumerate(values)} for name, values in vocabulary.items()
    }
    rated = np.array([row["kind"] == "rating" for row in events], bool)
    rating = np.array([row["value"] if row["kind"] == "rating" else np.nan for row in events], np.float64)
    verdict = np.array([_VERDICTS.get(row["kind"], NEUTRAL) for row in events], np.int64)
    verdict[rated & (rating >= like_at)] = LIKED
    verdict[rated & (rating <= dislike_at)] = DISLIKED
    columns = {
        "person": np.array([number["person"][row["person_id"]] for row in events], np.int64),
        "dish": np.array([number["dish"][row["dish_id"]] for row in events], np.int64),
        "at": np.array([timestamp(row["occurred_at"]) for row in events], "datetime64[us]"),
        "verdict": verdict,
        "rating": rating,
        "menu": np.array(
            [number["menu"][row["menu_id"]] if row["kind"] == "choice" else NO_MENU for row in events],
            np.int64,
        ),
        "source": np.array([number["source"][row["source"]] for row in events], np.int64),
    }
    order = np.lexsort([columns[name] for name in ("dish", "menu", "source", "at", "person")])
    log = OpinionLog(
        tuple(vocabulary["person"]),
        tuple(vocabulary["dish"]),
        tuple(vocabulary["menu"]),
        tuple(vocabulary["source"]),
        **{name: column[order] for name, column in columns.items()},
    )
    flat = [number["dish"][dish] for menu in vocabulary["menu"] for dish in menus[menu]]
    sizes = [len(menus[menu]) for menu in vocabulary["menu"]]
    return log, Menus(np.array(flat, np.int64), np.array(sizes, np.int64))
