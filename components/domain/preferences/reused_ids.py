"""Dish ids that are used again for another dish: past events keep the dish that they meant.

The former dish goes on under a new id, `ID (was NAME)`. The events and past menus that named it get the new
id. The names alone decide whether a new name is a correction or another dish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from components.domain.preferences.contract import Stored

SIMILAR = 0.5  # share of equal letters from which on a name without a common word is a correction
_WORD = re.compile(r"[^\W\d_]{3,}")


def is_another_dish(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tells whether two rows with one dish_id are two dishes: their names share few letters and no word."""
    one, other = before["name"].casefold(), after["name"].casefold()
    if set(_WORD.findall(one)) & set(_WORD.findall(other)):
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() < SIMILAR


def former_id(row: Mapping[str, Any]) -> str:
    """Builds the id under which a dish goes on after another dish took its id."""
    return f"{row['dish_id']} (was {row['name']})"


def row_before(former: str, tables: Stored) -> dict[str, Any]:
    """Restores a former dish's row to the id that it had before another dish took it.

    Args:
        former: Id of the former dish now; see `former_id`.
        tables: Tables with the former dish.
    """
    (row,) = (row for row in tables["dishes"] if row["dish_id"] == former)
    return {**row, "dish_id": former.removesuffix(f" (was {row['name']})")}


def keep_former(tables: Stored, row: Mapping[str, Any], today: date) -> None:
    """Adds a former dish to the tables under its new id, and points past menus to it.

    Args:
        tables: Changed in place; changed rows are replaced by new ones.
        row: The dish's row before another dish took its id.
        today: MenuIndex of later days mean the new dish.
    """
    current, former = row["dish_id"], former_id(row)
    dishes = [dish for dish in tables["dishes"] if dish["dish_id"] != former]
    tables["dishes"] = [*dishes, {**row, "dish_id": former}]
    tables["menus"] = [
        {**entry, "dish_id": former} if entry["dish_id"] == current and entry["served_on"] <= today else entry
        for entry in tables["menus"]
    ]


def former_ids(tables: Stored) -> dict[str, list[str]]:
    """Groups the ids of former dishes by the id that each had before."""
    former: dict[str, list[str]] = {}
    for row in tables["dishes"]:
        suffix = f" (was {row['name']})"
        if row["dish_id"].endswith(suffix):
            former.setdefault(row["dish_id"].removesuffix(suffix), []).append(row["dish_id"])
    return former


class MenuIndex:
    """Which dishes each menu offered and when, and the dishes that once had other dishes' ids.

    Attributes:
        dishes: Ids of all dishes.
        offers: Ids of dishes by menu.
        days: Days by menu.
        former: Ids of former dishes by the id that each had before.
    """

    def __init__(self, tables: Stored) -> None:
        self.dishes = {row["dish_id"] for row in tables["dishes"]}
        self.offers: dict[str, set[str]] = {}
        self.days: dict[str, set[date]] = {}
        for row in tables["menus"]:
            self.offers.setdefault(row["menu_id"], set()).add(row["dish_id"])
            self.days.setdefault(row["menu_id"], set()).add(row["served_on"])
        self.former = former_ids(tables)

    def meant(self, dish: str, menu: str, stored: str | None = None) -> str:
        """Tells which dish a row means, where another dish has taken that dish's id.

        Args:
            dish: Id that the row names.
            menu: Id of the row's menu; empty without one.
            stored: Dish of the stored row with the same id.

        Returns:
            The former dish if the row was stored with it, or if its menu offered it and not the new one.
        """
        offer = self.offers.get(menu, set())
        for former in self.former.get(dish, ()):
            if stored == former or (former in offer and dish not in offer):
                return former
        return dish
