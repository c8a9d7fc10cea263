"""All simple rules in one: a conditional logit on the score that each rule gives to a dish and a person.

This is the strongest score without a language model, and so the rival that every candidate must beat. Every
constant of every rule is chosen here, inside the training period: the rules are fitted on some folds, and
their constants are compared on the others. Shapes: O dishes on offer, D dishes of the log, V words; P pairs
(see `pairs`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.folds import Fold, Unit, folds_of, share_won
from components.domain.preferences.logit import fit_logit
from components.domain.preferences.strengths import known_opinions
from components.domain.preferences.tables import Comparisons, Questions
from components.domain.records import Dish
from components.domain.rivals.collaborative import (
    FACTORS,
    NEIGHBOURS,
    NOISES,
    PRIORS,
    SHRINKS,
    Collaborative,
    fit_collaborative,
)
from components.domain.rivals.pairs import Pairs, pairs_of
from components.domain.rivals.rules import (
    NAMES_SHARING_A_WORD,
    ContentHistory,
    affinity,
    fit_content_history,
    mean_affinity,
    usual,
    wins,
)
from components.domain.rivals.words import word_matrix

FOLDS = 5
MAX_CHOOSING = 4000  # comparisons of a fold on which constants are compared
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
        weights: (RULES,) weight of each rule in the logit.
    """

    content: ContentHistory
    popular: Floats
    words: csr_matrix
    people: Collaborative
    constants: Constants
    weights: Floats

    def scores(self, dishes: Mapping[str, Dish], questions: Questions) -> Floats:
        """Computes the utilities of the dishes on offer, (O,) in nats."""
        return np.asarray(self.features(dishes, questions) @ self.weights)

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

    def features(self, dishes: Mapping[str, Dish], questions: Questions) -> Floats:
        """Scores each dish on offer by each rule, (O, RULES); 0 where a rule knows nothing."""
        pairs, has = pairs_of(questions), self.content.traits.table(dishes, questions.log.dishes)
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

    def _word_overlap(self, pairs: Pairs, strengths: csr_matrix) -> Floats:
        """Scores how much a dish's words were liked: its words times the history's mean liked words, (P,)."""
        liked = csr_matrix(diags(1.0 / (pairs.opinions.sizes + 1)) @ strengths @ self.words)
        products = self.words[pairs.dish].multiply(liked[pairs.history])
        return np.asarray(products.sum(1), np.float64).ravel()


def fit_stacked_rules(
    dishes: Mapping[str, Dish],
    train: Comparisons,
    may_know: Bools,
    *,
    unit: Unit,
    half_lives: Sequence[float] = (7.0, 30.0, 3650.0),
) -> StackedRules:
    """Chooses the constants, fits the rules, and fits their weights on folds that the rules did not read.

    A rule looks better on a comparison that it has read than on new ones (stacking, Wolpert 1992).

    Args:
        dishes: All dishes that the comparisons name, by id.
        train: The training comparisons.
        may_know: (L,) True for the lines of the log that training may read.
        unit: What is new in the test: days (with their dishes), people, or dishes.
        half_lives: Half-lives in days, from which the best for the rule `usual` is chosen.
    """
    words = word_matrix(dishes, train.log.dishes)
    folds = _folds(train, may_know, unit)
    constants = _chosen(dishes, folds, half_lives)
    features, scored = [np.zeros((0, len(RULES)))], [train.take([])]
    for fold in folds:
        rules = _fit(dishes, fold.train, fold.may_know, fold.hidden, words, constants)
        features.append(rules.features(dishes, fold.new))
        scored.append(fold.new)
    sizes = np.concatenate([new.sizes for new in scored])
    weights = fit_logit(np.concatenate(features), sizes, np.concatenate([new.chosen for new in scored]))
    rules = _fit(dishes, train, may_know, None, words, constants)
    return StackedRules(rules.content, rules.popular, words, rules.people, constants, weights)


def _folds(train: Comparisons, may_know: Bools, unit: Unit) -> list[Fold]:
    """Divides the comparisons by the unit, else by people, else by days: the first that leaves any folds."""
    units: tuple[Unit, ...] = (unit, "person", "day")
    every = (list(folds_of(train, may_know, one, FOLDS)) for one in units)
    return next(filter(None, every), [])


def _chosen(dishes: Mapping[str, Dish], folds: list[Fold], days: Sequence[float]) -> Constants:
    """Chooses the constants with the best pair accuracy on the folds that the rules did not read."""
    sharing: dict[int, float] = dict.fromkeys(NAMES_SHARING_A_WORD, 0.0)
    neighbours = dict.fromkeys(itertools.product(NEIGHBOURS, SHRINKS, PRIORS), 0.0)
    factors = dict.fromkeys(itertools.product(FACTORS, NOISES), 0.0)
    half_lives = dict.fromkeys(days, 0.0)
    for fold in folds:
        some = fold.some(MAX_CHOOSING).new
        pairs, log = pairs_of(some), some.log
        opinions = known_opinions(log, fold.may_know)
        people = fit_collaborative(opinions, log.menus, len(log.dishes), fold.hidden)
        for count in sharing:
            sharing[count] += share_won(
                fit_content_history(dishes, fold.train, count).scores(dishes, some), some
            )
        for knn in neighbours:
            neighbours[knn] += share_won(pairs.on_offer(people.neighbours(pairs, *knn)), some)
        for model in factors:
            factors[model] += share_won(pairs.on_offer(people.factors(pairs, *model)), some)
        for half_life in half_lives:
            half_lives[half_life] += share_won(pairs.on_offer(usual(pairs, half_life)), some)
    return Constants(*(_best(table) for table in (sharing, neighbours, factors, half_lives)))


def _best(table: Mapping[Any, float]) -> Any:
    return max(table, key=table.__getitem__)


def _fit(
    dishes: Mapping[str, Dish],
    train: Comparisons,
    may_know: Bools,
    hidden: Ints | None,
    words: csr_matrix,
    constants: Constants,
) -> StackedRules:
    """Fits the rules, and leaves their weights in the logit at zero."""
    log = train.log
    people = fit_collaborative(known_opinions(log, may_know), log.menus, len(log.dishes), hidden)
    content = fit_content_history(dishes, train, constants.sharing)
    return StackedRules(content, wins(train), words, people, constants, np.zeros(len(RULES)))
