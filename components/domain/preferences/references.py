"""Checks of a row against the tables and the limits: the ids that it points at, its day, its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from components.domain.preferences.contract import Stored
from components.domain.preferences.limits import Limits
from components.domain.preferences.reused_ids import former_ids


class NotAcceptable(ValueError):
    """Raised with the reason why a row goes to quarantine."""


class Ids:
    """The ids that a row may point at, as they are when its table's turn comes."""

    def __init__(self, tables: Stored, limits: Limits) -> None:
        self.dishes = {row["dish_id"] for row in tables["dishes"]}
        self.people = {row["person_id"] for row in tables["people"]}
        self.menus: dict[str, set[str]] = {}
        self.menu_days: dict[str, set[date]] = {}
        for row in tables["menus"]:
            self.menus.setdefault(row["menu_id"], set()).add(row["dish_id"])
            self.menu_days.setdefault(row["menu_id"], set()).add(row["served_on"])
        self.limits, self.former = limits, former_ids(tables)

    def check(self, table: str, row: Mapping[str, Any]) -> None:
        """Checks a row that is not accepted yet.

        Raises:
            NotAcceptable: The row points at an id that is missing, or says something that it may not.
        """
        if table in {"menus", "events"} and row["dish_id"] not in self.dishes:
            raise NotAcceptable(f"dish_id '{row['dish_id']}' is not in the dishes table")
        if table == "menus":
            self._check_menu(row)
        if table == "events":
            self._check_event(row)

    def _check_menu(self, row: Mapping[str, Any]) -> None:
        """Rejects a menu id that was served on another day, whose choices would seem to be from this menu."""
        days = self.menu_days.setdefault(row["menu_id"], {row["served_on"]})
        if row["served_on"] not in days:
            raise NotAcceptable(
                f"menu_id '{row['menu_id']}' was served on {min(days)}: give the menu of {row['served_on']} "
                "another id"
            )

    def _check_event(self, row: Mapping[str, Any]) -> None:
        if self.people and row["person_id"] not in self.people:
            raise NotAcceptable(f"person_id '{row['person_id']}' is not in the people table")
        if row["occurred_at"] > self.limits.latest:
            raise NotAcceptable(f"occurred_at {row['occurred_at'].isoformat()} lies in the future")
        ranges, source = self.limits.source_ranges, row["source"]
        low, high = ranges.get(source, self.limits.value_range)
        if row["value"] is not None and not low <= row["value"] <= high:
            setting = f"collect.scales.{source}" if source in ranges else "check.value_range"
            raise NotAcceptable(f"value {row['value']:g} is not from {low:g} to {high:g}, {setting}")
        if row["kind"] == "rating" and row["value"] is None:
            raise NotAcceptable("a rating needs a value")
        if row["kind"] == "choice":
            if row["menu_id"] not in self.menus:
                raise NotAcceptable(f"menu_id '{row['menu_id']}' of a choice is not in the menus table")
            if row["dish_id"] not in self.menus[row["menu_id"]]:
                raise NotAcceptable(f"dish_id '{row['dish_id']}' was not offered on menu '{row['menu_id']}'")
