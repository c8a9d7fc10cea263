"""Finds dishes that people were shown and that are no longer free of what these people must not eat.

A dish has lost a restriction if it does not meet the restriction now, but met it when it was shown. It met
the restriction then if the restriction applied to that answer, or if the dish's text of that time meets it by
today's reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from components.domain.catalogue import Person
from components.domain.diet import (
    DishFacts,
    Reason,
    Restrictions,
    Strength,
    one_by_one,
    permitted,
    read_restrictions,
)
from components.domain.diet.dictionary import ALLERGENS
from components.domain.errors import PalateError

Singly = frozenset[Restrictions]
_NOTHING = Singly()


@dataclass(frozen=True)
class Showing:
    """An answer that showed dishes to a person.

    Attributes:
        person_id: Id of the person.
        at: Moment of the answer, UTC.
        filters: Filters of the answer; see `Exposure`.
        digests: Digests of the texts of its dishes.
    """

    person_id: str
    at: datetime
    filters: str
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A dish as it was shown, and as it is now."""

    shown: DishFacts
    now: DishFacts


class Recall:
    """Finds who was shown a dish that is no longer free for them.

    Args:
        changes: Changed dishes, by the digest of the text that was shown.
        people: People as the store knows them now.
    """

    def __init__(self, changes: Mapping[str, Change], people: Mapping[str, Person]) -> None:
        self._changes = changes
        self._stored = {person: _singly(vars(row)) for person, row in people.items()}
        self._unmet = dict[tuple[DishFacts, Restrictions], Reason | None]()
        self._answers = dict[str, tuple[Singly, bool]]()
        self._lost = dict[tuple[Singly, Singly, bool], dict[str, tuple[str, ...]]]()

    def affected(self, showings: Iterable[Showing]) -> Iterator[tuple[Showing, DishFacts, tuple[str, ...]]]:
        """Yields each affected showing, with the dish as it is now and why the person must not eat it now."""
        for showing in showings:
            if showing.filters not in self._answers:
                request = json.loads(showing.filters)
                self._answers[showing.filters] = _singly(request.get("applied") or request), "k" in request
            then, is_ours = self._answers[showing.filters]
            now = self._stored.get(showing.person_id, _NOTHING)
            lost = self._lost.setdefault((then, now, is_ours), {})
            for digest in showing.digests if then or now else ():
                if digest not in lost:
                    change = self._changes.get(digest)
                    lost[digest] = (
                        tuple(sorted(self._losses(change, then, now, is_ours=is_ours))) if change else ()
                    )
                if lost[digest]:
                    yield showing, self._changes[digest].now, lost[digest]

    def _losses(self, change: Change, then: Singly, now: Singly, *, is_ours: bool) -> Iterator[str]:
        # A caller of /rank wrote the text that was shown, so what the catalogue leaves open proves nothing.
        for restriction in then | now:
            why = self._why_not(change.now, restriction)
            if why is None or (why.strength is Strength.UNKNOWN and not is_ours):
                continue
            if restriction in then or not self._why_not(change.shown, restriction):
                yield why.sentence

    def _why_not(self, dish: DishFacts, restriction: Restrictions) -> Reason | None:
        if (dish, restriction) not in self._unmet:
            _, left_out = permitted([dish], restriction)
            self._unmet[dish, restriction] = left_out[0].reasons[0] if left_out else None
        return self._unmet[dish, restriction]


def _singly(values: Mapping[str, Any]) -> Singly:
    """Reads the restrictions, one by one, from a person's row or from an answer's filters."""
    diet, *lists = (values.get(name) or () for name in ("diet", "allergies", "avoids"))
    return _read(diet or "", *map(tuple, lists))


@lru_cache(maxsize=100_000)
def _read(diet: str, allergies: tuple[str, ...], avoids: tuple[str, ...]) -> Singly:
    groups = [text for text in allergies if text in ALLERGENS]  # from an answer, already read
    others = [text for text in allergies if text not in ALLERGENS]
    try:
        read = read_restrictions(diet, others, avoids)
    except PalateError:  # a diet without a rule, under which nothing is ever shown
        read = read_restrictions("", others, avoids)
    allergens = tuple(sorted({*groups, *read.allergies}))
    return Singly(one_by_one(Restrictions(read.diets, allergens, read.avoids)))
