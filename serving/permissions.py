"""Decides for a whole catalogue what people may eat.

Each dish is read once for a restriction, whoever has it.

`permitted` judges a dish by one restriction at a time. So several restrictions permit exactly the dishes that
each of them permits. Only the answers of `permitted` for single restrictions are remembered; nothing else
decides. Until a catalogue was read to its end for a restriction, nobody with that restriction gets an answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from components.domain.diet import DishFacts, Restrictions, one_by_one, permitted
from components.domain.diet.dictionary import ALLERGENS
from components.domain.diet.diets import DIETS
from components.domain.preferences.arrays import Ints
from serving.catalogue import Listing, listing_of
from serving.refusals import must_go_on
from serving.restrictions import read_through
from serving.schemas.fields import LeftOutDish

MOST_LEFT_OUT = 1000  # dishes that an answer gives reasons for, of one kind
DISHES_AT_ONCE = 512  # fewer than the dishes whose evidence the diet remembers
MOST_WORDS = 256  # avoided words whose dishes are remembered
COMMON = tuple(
    [Restrictions(allergies=(group,)) for group in ALLERGENS]
    + [Restrictions(diets=(diet,)) for diet in DIETS]
)


class _Reading:
    """One reading of a catalogue: by restriction (C,) bools, True for the dishes that it permits."""

    def __init__(self, catalogue: Listing, restrictions: Sequence[Restrictions]) -> None:
        self.catalogue = catalogue
        self.permits = {restriction: np.zeros(len(catalogue.dishes), bool) for restriction in restrictions}
        self._read = 0  # dishes
        self._lock = threading.Lock()

    def finish(self) -> None:
        """Reads the catalogue to its end, in turns with other threads that do the same.

        Raises:
            NobodyWaits: The request's time is over; what was read so far is kept.
        """
        while self._read < len(self.catalogue.dishes):
            must_go_on()
            with self._lock:
                here = slice(self._read, self._read + DISHES_AT_ONCE)
                facts = [listed.facts for listed in self.catalogue.dishes[here]]
                for restriction, permits in self.permits.items():
                    permits[here] = [bool(permitted([dish], restriction)[0]) for dish in facts]
                self._read += len(facts)


class Permissions:
    """Finds the dishes of the catalogue that restrictions permit; may be used by several threads.

    It reads a dish at once: the first reading of a process builds the dictionary, for which no request waits.
    """

    def __init__(self) -> None:
        permitted([DishFacts("", "rice")], COMMON[0])
        self._common, self._others = _Reading(listing_of(()), COMMON), OrderedDict[Restrictions, _Reading]()
        self._lock = threading.Lock()

    def split(
        self, positions: Ints, catalogue: Listing, restrictions: Restrictions
    ) -> tuple[Ints, list[LeftOutDish]]:
        """Divides dishes by restrictions: positions of the permitted ones, and the first others with reasons.

        Args:
            positions: Positions of the requested dishes; the permitted ones keep this order.
            catalogue: All dishes; a different object only after something was published.

        Raises:
            NobodyWaits: The time was over before all dishes were read; the next request continues there.
        """
        self._see(catalogue)
        may_offer = np.ones(len(positions), bool)
        for restriction, reading in self._readings(list(one_by_one(restrictions)), catalogue).items():
            reading.finish()
            may_offer &= reading.permits[restriction][positions]
        others = [catalogue.dishes[index].facts for index in positions[~may_offer][:MOST_LEFT_OUT]]
        return positions[may_offer], read_through(others, restrictions)[1]

    def _see(self, catalogue: Listing) -> None:
        """Starts to read a new catalogue, so that the first person with an allergy waits less."""
        with self._lock:
            if catalogue is not self._common.catalogue:
                self._common = _Reading(catalogue, COMMON)
                threading.Thread(target=self._common.finish, daemon=True).start()

    def _readings(
        self, restrictions: Sequence[Restrictions], catalogue: Listing
    ) -> dict[Restrictions, _Reading]:
        """Finds the reading of the catalogue for each restriction; all new restrictions share one."""
        with self._lock:
            common = dict.fromkeys(self._common.permits, self._common)
            found = {
                each: reading
                for each in restrictions
                for reading in (self._others.get(each), common.get(each))
                if reading and reading.catalogue is catalogue
            }
            missing = [each for each in restrictions if each not in found]
            found |= dict.fromkeys(missing, _Reading(catalogue, missing))
            for each, reading in found.items():
                if reading is not self._common:
                    self._others[each] = reading
                    self._others.move_to_end(each)
            while len(self._others) > MOST_WORDS:
                self._others.popitem(last=False)
            return found
