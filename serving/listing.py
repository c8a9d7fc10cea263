"""The catalogue in memory: dishes in a fixed order, so that a choice among them is an array of positions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from bentoml.exceptions import InvalidArgument

from components.domain.catalogue import Listed
from components.domain.preferences.arrays import Bools, Ints
from serving.schemas.recommend import RecommendRequest

MOST_LEFT_OUT = 1000  # dishes that an answer gives reasons for, of one kind


@dataclass(frozen=True, eq=False)
class Listing:
    """A catalogue as it was published; a dish is named by its position in it.

    Attributes:
        dishes: (C,) all dishes, the most popular first.
        position: Position of each dish, by its id.
        is_offered: (C,) whether a dish is offered; see `Listed`.
    """

    dishes: tuple[Listed, ...]
    position: dict[str, int]
    is_offered: Bools

    def on_offer(self, request: RecommendRequest) -> Ints:
        """Finds the positions of the dishes that the request asks about, ascending.

        Raises:
            InvalidArgument: A dish is not in the catalogue.
        """
        at = [self.position.get(dish, -1) for dish in request.dishes]
        missing = [
            dish
            for dish, position in zip(request.dishes, at, strict=True)
            if position < 0 or not self.is_offered[position]
        ]
        if missing:
            raise InvalidArgument(f"dish_id {missing[0]!r} is not in the catalogue: send ids of its dishes.")
        listed = np.unique(at).astype(np.int64) if at else np.flatnonzero(self.is_offered)
        tags = {tag.casefold() for tag in request.tags}
        if not tags:
            return listed
        has = [bool(tags & {tag.casefold() for tag in self.dishes[index].dish.tags}) for index in listed]
        return np.asarray(listed[np.array(has, bool)])

    def without(self, at: Ints, dishes: Collection[str]) -> Ints:
        """Removes the positions of some dishes, which need not be in the catalogue."""
        left_out = [self.position[dish] for dish in dishes if dish in self.position]
        return np.asarray(at[~np.isin(at, left_out)]) if left_out else at


def listing_of(dishes: Iterable[Listed]) -> Listing:
    """Sorts dishes into a listing by popularity, and equally popular ones by their number of opinions."""
    ordered = tuple(sorted(dishes, key=lambda listed: (-listed.popularity, -listed.opinions)))
    position = {listed.dish.dish_id: number for number, listed in enumerate(ordered)}
    return Listing(ordered, position, np.array([listed.is_offered for listed in ordered], bool))
