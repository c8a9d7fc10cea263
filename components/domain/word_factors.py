"""Text factors on words or tags, asked like a rule: no language model reads the dishes.

Shapes: D dishes of the training, W width of vectors, V words, O dishes on offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Questions
from components.domain.ranker.dish_vectors import batch_of
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import Dish
from components.domain.rivals.known_dishes import KnownDishes
from components.domain.rivals.rules import Traits
from components.domain.rivals.words import Vocabulary

NOBODY = -1  # name of a dish outside of the training


@dataclass(frozen=True, eq=False)
class WordFactors:
    """Fitted factors with all that reads a dish; the interface is that of `RuleModel`.

    Attributes:
        name: Name of the row in the table, factors-on-words or factors-on-tags.
        head: The factors; its residuals are named by the number of a dish.
        dishes: (D,) dishes of the training.
        vocabulary: Words of these dishes.
        tags: Tags that are read; None where words are.
        basis: (V, W) see `word_vectors`.
    """

    name: str
    head: TextFactors
    dishes: tuple[Dish, ...]
    vocabulary: Vocabulary
    tags: tuple[str, ...] | None
    basis: Floats | None

    @cached_property
    def _known(self) -> KnownDishes:
        return KnownDishes(self.dishes)

    def knows(self, dish: Dish) -> bool:
        """Tells whether a dish is one of the training's."""
        return self._known.number(dish) is not None

    def with_dishes(self, _others: Sequence[Dish]) -> WordFactors:
        """Returns the same factors, which read any dish."""
        return self

    def scores(self, questions: Questions, dishes: Mapping[str, Dish]) -> Floats:
        """Scores the dishes on offer, (O,) in nats; arguments as for `RuleModel.scores`."""
        batch = batch_of(questions, self.head.rating_scale)
        read = [dishes[dish] for dish in batch.dishes]
        numbers = [self._known.number(dish) for dish in read]
        names = [(NOBODY if number is None else number,) for number in numbers]
        vectors = self.head.vectors(torch.from_numpy(self._vectors(read)), names)
        scores: Floats = self.head.scores(vectors, batch).double().numpy()
        return scores

    def _vectors(self, dishes: Sequence[Dish]) -> Floats:
        """Reads the dishes' words or tags, (dishes, W)."""
        if self.tags is not None:
            rows = {str(number): dish for number, dish in enumerate(dishes)}
            return Traits(self.tags, ()).table(rows, tuple(rows))
        words = self.vocabulary.matrix(dishes)
        return np.asarray(words.toarray() if self.basis is None else words @ self.basis)
