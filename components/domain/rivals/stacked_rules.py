"""All simple rules in one: a linear utility of the scores that each rule gives to a dish and a person.

`fit_stacked_rules` chooses the constants and the weights. Shapes: O dishes on offer, D dishes of the log,
T traits, V words; P pairs (see `pairs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Questions
from components.domain.records import Dish
from components.domain.rivals.collaborative import Collaborative
from components.domain.rivals.pairs import Pairs, pairs_of
from components.domain.rivals.rules import ContentHistory, affinity, mean_affinity, usual

RULES = (
    "content-history",
    "tag-affinity",
    "word-overlap",
    "same-dish",
    "usual",
    "popularity",
    "mean-strength",
    "item-knn",
    "factors",
)


@dataclass(frozen=True)
class Constants:
    """The constants of the rules.

    Attributes:
        sharing: Number of names that must contain a word for the word to count as a trait.
        neighbours: Number of similar dishes that item-kNN reads, its shrinkage and its prior.
        factors: Number of factors, and variance of a strength around their prediction.
        half_life: Age in days at which the rule `usual` counts an opinion half.
    """

    sharing: int
    neighbours: tuple[int, float, float]
    factors: tuple[int, float]
    half_life: float


@dataclass(frozen=True, eq=False)
class StackedRules:
    """A fitted rule over dishes given a person's history.

    Attributes:
        content: The content-history rule.
        popular: (D,) each dish's log odds of winning a comparison.
        words: (D, V) the words of each dish, weighted by rarity, as vectors of length 1.
        people: Item-kNN and matrix factorisation.
        constants: The constants, chosen inside the training period.
        weights: (RULES,) weight of each rule in the utility.
    """

    content: ContentHistory
    popular: Floats
    words: csr_matrix
    people: Collaborative
    constants: Constants
    weights: Floats

    def scores(self, dishes: Mapping[str, Dish], questions: Questions, *, plain: bool = False) -> Floats:
        """Computes the utilities of the dishes on offer, (O,) in nats; `plain` as for `Pairs`."""
        return np.asarray(self.features(dishes, questions, plain=plain) @ self.weights)

    def neighbours(self, questions: Questions) -> Floats:
        """Scores the dishes on offer by item-kNN with the chosen constants, (O,)."""
        pairs = pairs_of(questions)
        return pairs.on_offer(self.people.neighbours(pairs, *self.constants.neighbours))

    def factors(self, questions: Questions) -> Floats:
        """Scores the dishes on offer by matrix factorisation with the chosen constants, (O,)."""
        pairs = pairs_of(questions)
        return pairs.on_offer(self.people.factors(pairs, *self.constants.factors))

    def usual(self, questions: Questions) -> Floats:
        """Scores how often and how recently the person had each dish, with the chosen half-life, (O,)."""
        pairs = pairs_of(questions)
        return pairs.on_offer(usual(pairs, self.constants.half_life))

    def features(self, dishes: Mapping[str, Dish], questions: Questions, *, plain: bool = False) -> Floats:
        """Scores each dish on offer by each rule, (O, RULES); 0 where a rule knows nothing."""
        has = self.content.traits.table(dishes, questions.log.dishes)
        return self.features_of(pairs_of(questions, plain=plain), has)

    def features_of(self, pairs: Pairs, has: Floats) -> Floats:
        """Scores each dish on offer by each rule, (O, RULES); `has` is (D, T), the traits of each dish."""
        shares = affinity(pairs, has, self.content.mean)
        strengths, counts = pairs.strengths(self.people.ratings), pairs.counts()
        columns = [
            self.content.utility(pairs, has, shares),
            mean_affinity(pairs, has, shares),
            self._word_overlap(pairs, strengths),
            pairs.entries(strengths) / np.maximum(1.0, pairs.entries(counts)),
            usual(pairs, self.constants.half_life),
            self.popular[pairs.dish],
            self.people.popularity(pairs),
            self.people.neighbours(pairs, *self.constants.neighbours),
            self.people.factors(pairs, *self.constants.factors),
        ]
        return np.stack(columns, axis=1)[pairs.pair]

    def with_dishes(self, words: csr_matrix) -> StackedRules:
        """Appends dishes of which nobody has an opinion yet; `words` holds a row of each."""
        nothing = np.zeros(words.shape[0])
        popular = np.concatenate([self.popular, nothing])
        people = self.people.with_dishes(len(nothing))
        return replace(self, popular=popular, people=people, words=vstack([self.words, words]).tocsr())

    def _word_overlap(self, pairs: Pairs, strengths: csr_matrix) -> Floats:
        """Scores how much a dish's words were liked: its words times the history's mean liked words, (P,)."""
        liked = csr_matrix(diags(1.0 / (pairs.opinions.sizes + 1)) @ strengths @ self.words)
        products = self.words[pairs.dish].multiply(liked[pairs.history])
        return np.asarray(products.sum(1), np.float64).ravel()
