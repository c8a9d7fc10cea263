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


class _Pass:
    """One reading of a catalogue: by restriction (C,) bools, True for the dishes that it permits."""

    def __init__(self, catalogue: Listing, restrictions: Sequence[Restrictions]) -> None:
        self.catalogue = catalogue
        self.left = {restriction: np.zeros(len(catalogue.dishes), bool) for restriction in restrictions}
        self._looked_at = 0
        self._lock = threading.Lock()

    def finish(self) -> None:
        """Reads the catalogue to its end, in turns with other threads that do the same.

        Raises:
            NobodyWaits: The request's time is over; what was read so far is kept.
        """
        while self._looked_at < len(self.catalogue.dishes):
            must_go_on()
            with self._lock:
                part = self.catalogue.dishes[self._looked_at : self._looked_at + DISHES_AT_ONCE]
                facts = [listed.facts for listed in part]
                for restriction, leaves in self.left.items():
                    here = slice(self._looked_at, self._looked_at + len(part))
                    leaves[here] = [bool(permitted([dish], restriction)[0]) for dish in facts]
                self._looked_at += len(part)


class Permissions:
    """Finds the dishes of the catalogue that restrictions permit; may be used by several threads.

    It reads a dish at once: the first reading of a process builds the dictionary, for which no request waits.
    """

    def __init__(self) -> None:
        permitted([DishFacts("", "rice")], COMMON[0])
        self._common, self._words = _Pass(listing_of(()), COMMON), OrderedDict[Restrictions, _Pass]()
        self._lock = threading.Lock()

    def split(
        self, at: Ints, catalogue: Listing, restrictions: Restrictions
    ) -> tuple[Ints, list[LeftOutDish]]:
        """Divides dishes by restrictions: positions of the permitted ones, and the first others with reasons.

        Args:
            at: Positions of the requested dishes; the permitted ones keep this order.
            catalogue: All dishes; a different object only after something was published.
            restrictions: What the person may not or will not eat.

        Raises:
            NobodyWaits: The time was over before all dishes were read; the next request continues there.
        """
        self._see(catalogue)
        may_offer = np.ones(len(at), bool)
        for restriction, one in self._passes(list(one_by_one(restrictions)), catalogue).items():
            one.finish()
            may_offer &= one.left[restriction][at]
        others = [catalogue.dishes[index].facts for index in at[~may_offer][:MOST_LEFT_OUT]]
        return at[may_offer], read_through(others, restrictions)[1]

    def _see(self, catalogue: Listing) -> None:
        """Starts to read a new catalogue, so that the first person with an allergy waits less."""
        with self._lock:
            if catalogue is not self._common.catalogue:
                self._common = _Pass(catalogue, COMMON)
                threading.Thread(target=self._common.finish, daemon=True).start()

    def _passes(self, restrictions: Sequence[Restrictions], catalogue: Listing) -> dict[Restrictions, _Pass]:
        """Finds the reading of the catalogue for each restriction; all new restrictions share one."""
        with self._lock:
            common = self._common.left if self._common.catalogue is catalogue else {}
            old = {one: self._words[one] for one in restrictions if one in self._words}
            old = {one: way for one, way in old.items() if way.catalogue is catalogue}
            new = _Pass(catalogue, [one for one in restrictions if one not in common and one not in old])
            self._words |= {**dict.fromkeys(new.left, new), **old}
            for one in (*new.left, *old):
                self._words.move_to_end(one)
            while len(self._words) > MOST_WORDS:
                self._words.popitem(last=False)
            return {one: self._common if one in common else old.get(one, new) for one in restrictions}
