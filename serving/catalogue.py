"""The published catalogue in memory: dishes in a fixed order, so that a choice of them is an array."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from bentoml.exceptions import InvalidArgument

from components.domain.catalogue import Listed, Person
from components.domain.errors import PalateError
from components.domain.preferences.arrays import Bools, Ints
from serving import store
from serving.refusals import Unavailable
from serving.schemas.recommend import RecommendRequest


@dataclass(frozen=True, eq=False)
class Listing:
    """A catalogue as it was published; a dish is named by its position in it.

    Attributes:
        dishes: (C,) all dishes, the most popular first.
        position: Position of each dish, by its id.
        is_offered: (C,) whether a dish is offered; see `Listed`.
        menus: Positions of the dishes that are served on a day to come, by day.
    """

    dishes: tuple[Listed, ...]
    position: dict[str, int]
    is_offered: Bools
    menus: Mapping[date, Ints] = field(default_factory=dict)

    def on_offer(self, request: RecommendRequest) -> Ints:
        """Finds the positions of the dishes that the request asks about, ascending.

        Raises:
            InvalidArgument: A dish is not in the catalogue.
        """
        listed = (
            np.unique(self.positions_of(request.dishes))
            if request.dishes
            else np.flatnonzero(self.is_offered)
        )
        return self.with_tags(listed, request.tags)

    def positions_of(self, dishes: Sequence[str]) -> Ints:
        """Finds the positions of some dishes, in their order.

        Raises:
            InvalidArgument: A dish is not in the catalogue.
        """
        positions = [self.position.get(dish, -1) for dish in dishes]
        for dish, position in zip(dishes, positions, strict=True):
            if position < 0 or not self.is_offered[position]:
                raise InvalidArgument(f"dish_id {dish!r} is not in the catalogue: send ids of its dishes.")
        return np.array(positions, np.int64)

    def with_tags(self, positions: Ints, tags: Iterable[str]) -> Ints:
        """Keeps the positions of dishes with one of some tags; without tags all of them."""
        wanted = {tag.casefold() for tag in tags}
        if not wanted:
            return positions
        has = [bool(wanted & {tag.casefold() for tag in self.dishes[index].dish.tags}) for index in positions]
        return np.asarray(positions[np.array(has, bool)])

    def without(self, positions: Ints, dishes: Collection[str]) -> Ints:
        """Removes the positions of some dishes, which need not be in the catalogue."""
        left_out = [self.position[dish] for dish in dishes if dish in self.position]
        return np.asarray(positions[~np.isin(positions, left_out)]) if left_out else positions


def listing_of(dishes: Iterable[Listed], menus: Mapping[date, Iterable[str]] | None = None) -> Listing:
    """Sorts dishes into a listing by popularity, and equally popular ones by their number of opinions.

    Args:
        dishes: The dishes.
        menus: Ids of the dishes that are served on a day, by day; of other dishes they are left out.
    """
    ordered = tuple(sorted(dishes, key=lambda listed: (-listed.popularity, -listed.opinions)))
    position = {listed.dish.dish_id: index for index, listed in enumerate(ordered)}
    served = {
        day: np.array([position[dish] for dish in ids if dish in position], np.int64)
        for day, ids in (menus or {}).items()
    }
    return Listing(ordered, position, np.array([listed.is_offered for listed in ordered], bool), served)


class Published:
    """The catalogue and the people as the last night published them.

    Args:
        letters: Scheme of the letters that name allergens on the site's menus; empty without one.
    """

    def __init__(self, letters: str) -> None:
        self._version, self._listing, self._letters = "", listing_of(()), letters
        self._lock = threading.Lock()  # of several requests one reads what was published anew

    def of(self, person_id: str) -> tuple[Person, Listing]:
        """Looks up a person and the catalogue.

        A person whom nobody knows has no diet, no allergies and no history. The catalogue is the same object
        until another one is published.

        Raises:
            Unavailable: Nothing is published, or the store does not answer, so that nobody knows what
                the person may eat.
        """
        if not store.url():
            raise Unavailable(f"This service knows nobody: start it with {store.STORE}.")
        try:
            catalogue = store.catalogue()
            with self._lock:
                version = catalogue.version()
                if version != self._version:
                    dishes = (replace(listed, letters=self._letters) for listed in catalogue.dishes())
                    self._listing, self._version = listing_of(dishes, catalogue.menus()), version
                listing = self._listing
            person = catalogue.person(person_id)
        except PalateError as error:
            raise Unavailable(str(error)) from error
        if not version:
            raise Unavailable("Nothing is published yet: run a night.")
        return person, listing
