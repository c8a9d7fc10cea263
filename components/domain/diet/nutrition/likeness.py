"""Foods whose names are like a dish's: shared words, each worth more the fewer foods have it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

from components.domain.diet.letters import fold
from components.domain.diet.nutrition.values import Food

EXTRA = 0.5  # what a word counts that only the food has: tables write more into a name than menus do
_EMPTY = frozenset((
    "a", "all", "an", "and", "any", "as", "cooked", "eaten", "fast", "food", "for", "from", "homemade", "in",
    "kind", "made", "nfs", "no", "not", "ns", "of", "on", "or", "other", "prepared", "restaurant", "style",
    "the", "to", "type", "with",
))  # fmt: skip
_ES = ("ches", "oes", "shes", "sses", "xes")


@dataclass(frozen=True)
class Rule:
    """From when on foods say something of a dish; `benchmarks/nutrition.py` chose the numbers.

    Attributes:
        best: Likeness of the food that is most alike, at least.
        least: Likeness of each other food.
        fewest: Number of foods with names that differ, at least.
        most: Number of foods, the most alike first.
    """

    best: float = 0.6
    least: float = 0.25
    fewest: int = 5
    most: int = 20


def words_of(name: str) -> frozenset[str]:
    """The words of a name that say what it is, in the singular and in no order."""
    return frozenset(
        _singular(word)
        for word in re.split(r"[ ,.]+", fold(name))
        if not word.isdigit() and word not in _EMPTY
    ) - {""}


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(_ES):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "sui" else word


class FoodIndex:
    """Foods by the words of their names.

    Args:
        foods: In any order; foods whose names have the same words are told apart by nothing.
    """

    def __init__(self, foods: Iterable[Food]) -> None:
        self._foods: dict[frozenset[str], list[Food]] = defaultdict(list)
        for food in foods:
            self._foods[words_of(food.name)].append(food)
        self._names = list(self._foods)
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(self._names):
            for word in words:
                self._by_word[word].append(number)
        self._weight = {word: self._rarity(len(names)) for word, names in self._by_word.items()}
        self._total = [sum(map(self._weight.__getitem__, sorted(words))) for words in self._names]

    def _rarity(self, names: int) -> float:
        return math.log(1 + len(self._names) / names)

    def near(self, name: str, most: int = Rule.most) -> list[tuple[float, list[Food]]]:
        """The foods most like a name: the likeness, from 0 to 1, and all foods of the same words.

        The likeness is Tversky's index: the weight of the shared words as a part of the weight of all.

        Args:
            name: Of a dish. A word that no food has counts as if one had it.
            most: Number of entries.
        """
        shared: dict[int, float] = defaultdict(float)
        total = 0.0
        for word in sorted(words_of(name)):
            weight = self._weight.get(word) or self._rarity(1)
            total += weight
            for number in self._by_word.get(word, ()):
                shared[number] += weight
        likeness = ((self._likeness(number, both, total), number) for number, both in shared.items())
        best = nlargest(most, likeness, key=lambda pair: (pair[0], -pair[1]))
        return [(score, self._foods[self._names[number]]) for score, number in best]

    def _likeness(self, number: int, both: float, total: float) -> float:
        return both / (total + EXTRA * (self._total[number] - both))


def plausible(near: list[tuple[float, list[Food]]], rule: Rule) -> list[tuple[float, list[Food]]]:
    """The entries of `FoodIndex.near` that tell of the dish together; none where they are too few."""
    entries = [(likeness, foods) for likeness, foods in near if likeness >= rule.least][: rule.most]
    is_like = bool(entries) and entries[0][0] >= rule.best
    return entries if is_like and len(entries) >= rule.fewest else []
