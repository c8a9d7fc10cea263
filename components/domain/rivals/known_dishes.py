"""The dishes that a rule was fitted on, and which of them a dish of a request is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from components.domain.records import Dish

PREFIXES = ("past/", "offer/")  # by which a request's own dishes differ from those of the catalogue


class KnownDishes:
    """Finds dishes by id and name, or else by their text.

    An id that another dish has now is thus no known one. Of twins the first one has the text.

    Args:
        dishes: Dishes of the training.
    """

    def __init__(self, dishes: Sequence[Dish]) -> None:
        self._number: dict[object, int] = {(dish.dish_id, dish.name): at for at, dish in enumerate(dishes)}
        for at, dish in enumerate(dishes):
            self._number.setdefault(replace(dish, dish_id=""), at)

    def number(self, dish: Dish) -> int | None:
        """Looks up the position of a dish among those of the training; None for any other dish."""
        dish_id = dish.dish_id
        for prefix in PREFIXES:
            dish_id = dish_id.removeprefix(prefix)
        at = self._number.get((dish_id, dish.name))
        return self._number.get(replace(dish, dish_id="")) if at is None else at
