"""A fitted rule that can be asked about any dishes, as a service is: those of its training and others.

Shapes: D dishes of the training, E others, T traits, O dishes on offer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.opinion_log import NO_MENUS
from components.domain.preferences.tables import Questions
from components.domain.records import Dish
from components.domain.rivals.known_dishes import KnownDishes
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.stacked_rules import StackedRules
from components.domain.rivals.words import Vocabulary


@dataclass(frozen=True, eq=False)
class RuleModel:
    """A rule and the dishes that it was fitted on.

    Attributes:
        name: Name of the rule, as the table calls it.
        rules: The stacked rules, with the weights by which this rule decides.
        dishes: (D,) dishes of the training, in the order of the rules' arrays.
        vocabulary: Words of these dishes.
    """

    name: str
    rules: StackedRules
    dishes: tuple[Dish, ...]
    vocabulary: Vocabulary

    @cached_property
    def _known(self) -> KnownDishes:
        return KnownDishes(self.dishes)

    @cached_property
    def _has(self) -> Floats:
        """(D, T) traits of the training's dishes."""
        return self._traits(self.dishes)

    def knows(self, dish: Dish) -> bool:
        """Tells whether a dish is one of the training's."""
        return self._known.number(dish) is not None

    def with_dishes(self, others: Sequence[Dish]) -> RuleModel:
        """Adds dishes that the rule knows by their text alone, so that each of them is looked at once."""
        rules = self.rules.with_dishes(self.vocabulary.matrix(others))
        return replace(self, rules=rules, dishes=(*self.dishes, *others))

    def scores(self, questions: Questions, dishes: Mapping[str, Dish]) -> Floats:
        """Scores the dishes on offer after plain histories, (O,) in nats; see `Pairs`.

        Args:
            dishes: All dishes of the questions' log, by id.
        """
        log = questions.log
        numbers = [self._known.number(dishes[dish]) for dish in log.dishes]
        others = [dishes[dish] for dish, at in zip(log.dishes, numbers, strict=True) if at is None]
        free = iter(range(len(self.dishes), len(self.dishes) + len(others)))
        at: Ints = np.array([next(free) if number is None else number for number in numbers], np.int64)
        order = tuple(map(str, range(len(self.dishes) + len(others))))
        log = replace(log, dishes=order, dish=at[log.dish], menus=NO_MENUS)
        pairs = pairs_of(replace(questions, log=log, offered=at[questions.offered]), plain=True)
        rules, has = self.rules, self._has
        if others:
            rules = rules.with_dishes(self.vocabulary.matrix(others))
            has = np.concatenate([has, self._traits(others)])
        return np.asarray(rules.features_of(pairs, has) @ rules.weights)

    def _traits(self, dishes: Iterable[Dish]) -> Floats:
        rows = {str(number): dish for number, dish in enumerate(dishes)}
        return self.rules.content.traits.table(rows, tuple(rows))
