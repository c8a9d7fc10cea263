"""Foods of a table, found by a dish's name: the same words, in any order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from components.domain.diet.letters import fold
from components.domain.diet.nutrition.values import Food

_EMPTY = frozenset(("a", "an", "and", "nfs", "the", "with"))  # nfs: not further specified
_ES = ("ches", "oes", "shes", "sses", "xes")


class FoodIndex:
    """Foods by the words of their names.

    Args:
        foods: In any order; foods whose names have the same words are told apart by nothing.
    """

    def __init__(self, foods: Iterable[Food]) -> None:
        self._foods: dict[frozenset[str], list[Food]] = defaultdict(list)
        for food in foods:
            self._foods[_words_of(food.name)].append(food)
        self._foods.pop(frozenset(), None)

    def named(self, name: str) -> list[Food]:
        """Finds the foods that a dish's name names, whatever the order and number of its words."""
        return self._foods.get(_words_of(name), [])


def _words_of(name: str) -> frozenset[str]:
    """Takes the words of a name that say what it is, in the singular."""
    words = re.split(r"[ ,.]+", fold(name))
    return frozenset(_singular(word) for word in words if not word.isdigit() and word not in _EMPTY) - {""}


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(_ES):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "sui" else word
