"""Retrieval over a person's history: the past dishes most like what is on offer, by words or by vectors."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from components.domain.records import Comparison, Dish

Floats = npt.NDArray[np.float64]
Alike = Callable[[str, str], float]

K1, B = 1.2, 0.75  # the usual constants of BM25 (Robertson & Zaragoza 2009)


class Bm25:
    """Okapi BM25 over the words of dishes."""

    def __init__(self, dishes: Mapping[str, Dish]) -> None:
        self.words = {key: Counter(_words(dish)) for key, dish in dishes.items()}
        self.length = sum(sum(words.values()) for words in self.words.values()) / max(1, len(self.words))
        counts = Counter(word for words in self.words.values() for word in words)
        total = len(self.words)
        self.rarity = {
            word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in counts.items()
        }

    def score(self, query: str, document: str) -> float:
        """How well one dish answers to another, both by id."""
        words = self.words[document]
        size = K1 * (1 - B + B * sum(words.values()) / self.length)
        return sum(
            self.rarity[word] * words[word] * (K1 + 1) / (words[word] + size)
            for word in self.words[query]
            if word in words
        )


def cosine(vectors: Mapping[str, Floats]) -> Alike:
    """How well one dish answers to another, both by id: the cosine between what is special of each.

    Args:
        vectors: (width,) of each dish, for example hidden states of a language model. Their mean is taken
            away first, since hidden states all point in nearly the same direction.
    """
    names = list(vectors)
    away = np.stack([vectors[name] for name in names])
    away = away - away.mean(0)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    place = {name: number for number, name in enumerate(names)}
    return lambda query, document: float(away[place[query]] @ away[place[document]])


def with_most_similar_history(cases: Sequence[Comparison], alike: Alike, most: int) -> list[Comparison]:
    """The same cases with at most `most` history lines: those most like any dish on offer, oldest first."""
    found = []
    for case in cases:
        likeness = [max(alike(dish, past.dish_id) for dish in case.dishes) for past in case.history]
        best = sorted(range(len(likeness)), key=lambda place: (-likeness[place], -place))[:most]
        found.append(replace(case, history=tuple(case.history[place] for place in sorted(best))))
    return found


def _words(dish: Dish) -> list[str]:
    text = " ".join((dish.name, dish.description, dish.cuisine, *dish.tags, *dish.ingredients))
    return re.findall(r"[^\W_]+", text.lower())
