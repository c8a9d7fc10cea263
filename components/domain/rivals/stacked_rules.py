"""All simple rules in one: a conditional logit on what each of them says of a dish and a person.

The strongest score without a language model, and so the rival that every candidate must beat.
Shapes: Q questions, O dishes on offer, D dishes of the log, V words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags

from components.domain.preferences.strengths import known_opinions
from components.domain.preferences.tables import Comparisons, Floats, Ints, Questions
from components.domain.records import Dish
from components.domain.rivals.collaborative import Collaborative, fit_collaborative
from components.domain.rivals.histories import count_matrix, entries, strength_matrix
from components.domain.rivals.rules import (
    ContentHistory,
    affinity,
    fit_content_history,
    fit_logit,
    mean_affinity,
    wins,
)

FOLDS = 5  # the weights are fitted on comparisons whose fold the rules never read
RULES = ("content-history", "tag-affinity", "word-overlap", "same-dish", "popularity", "item-knn", "factors")


@dataclass(frozen=True, eq=False)
class StackedRules:
    """A fitted rule over dishes given a person's history.

    Attributes:
        content: The content-history rule.
        popular: (D,) log odds of winning a comparison.
        words: (D, V) the words of each dish, weighted by rarity, as vectors of length 1.
        people: Item-kNN and matrix factorisation.
        weights: (RULES,) of the logit.
    """

    content: ContentHistory
    popular: Floats
    words: csr_matrix
    people: Collaborative
    weights: Floats

    def scores(self, dishes: Mapping[str, Dish], questions: Questions) -> Floats:
        """(O,) utilities in nats."""
        return np.asarray(self.features(dishes, questions) @ self.weights)

    def features(self, dishes: Mapping[str, Dish], questions: Questions) -> Floats:
        """(O, RULES) what each rule says of each dish on offer; 0 where it knows nothing."""
        has = self.content.traits.table(dishes, questions.log.dishes)
        shares = affinity(questions, has, self.content.usual)
        strengths, counts = strength_matrix(questions, self.people.spread), count_matrix(questions)
        columns = [
            self.content.utility(questions, has, shares),
            mean_affinity(questions, has, shares),
            self._word_overlap(questions, strengths),
            entries(strengths, questions) / np.maximum(1.0, entries(counts, questions)),
            self.popular[questions.offered],
            self.people.neighbours(questions),
            self.people.factors(questions),
        ]
        return np.stack(columns, axis=1)

    def _word_overlap(self, questions: Questions, strengths: csr_matrix) -> Floats:
        """(O,) how much a dish's words were liked: its words times the mean liked words of the history."""
        liked = diags(1.0 / (questions.history_sizes + 1)) @ strengths @ self.words
        products = self.words[questions.offered].multiply(csr_matrix(liked)[questions.owner])
        return np.asarray(products.sum(1), np.float64).ravel()


def fit_stacked_rules(dishes: Mapping[str, Dish], train: Comparisons, fold_of: Ints) -> StackedRules:
    """Fits the rules, and their weights on comparisons that the rules did not read (stacking, Wolpert 1992).

    A rule that has read a comparison looks better on it than it will on new ones.

    Args:
        dishes: All that the comparisons name.
        train: The training comparisons.
        fold_of: (Q,) what is new in the test, as a number: the person, or the day (with its new dishes).
    """
    words = _word_matrix(dishes, train.log.dishes)
    fold = np.unique(fold_of, return_inverse=True)[1] % FOLDS
    features, held_out = [], []
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if len(inside) and len(outside):
            new = train.take(inside)
            rules = _fit_rules(dishes, train.take(outside), new, words)
            features.append(rules.features(dishes, new))
            held_out.append(inside)
    scored = train.take(np.concatenate(held_out))
    weights = fit_logit(np.concatenate(features), scored.sizes, scored.chosen)
    rules = _fit_rules(dishes, train, None, words)
    return StackedRules(rules.content, rules.popular, words, rules.people, weights)


def _fit_rules(
    dishes: Mapping[str, Dish], train: Comparisons, new: Comparisons | None, words: csr_matrix
) -> StackedRules:
    """Fits all but the weights.

    A dish that only `new` offers is as new as the test's: nobody's past opinion on it is read.
    """
    hidden = None if new is None else np.setdiff1d(new.offered, train.offered)
    people = fit_collaborative(known_opinions(train), len(train.log.dishes), hidden)
    return StackedRules(fit_content_history(dishes, train), wins(train), words, people, np.zeros(len(RULES)))


def _terms(dish: Dish) -> set[str]:
    text = " ".join((dish.name, dish.description, *dish.tags, *dish.ingredients)).lower()
    return set(re.findall(r"[^\W\d_]{3,}", text))


def _word_matrix(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> csr_matrix:
    """(D, V) words weighted by inverse document frequency, each dish as a vector of length 1."""
    texts = [sorted(_terms(dishes[dish])) for dish in order]
    column = {word: number for number, word in enumerate(sorted({word for text in texts for word in text}))}
    ends = np.cumsum([0, *(len(text) for text in texts)])
    words = np.array([column[word] for text in texts for word in text], np.int64)
    present = csr_matrix((np.ones(len(words)), words, ends), shape=(len(texts), len(column)))
    counts = np.bincount(words, minlength=len(column))
    weighted = csr_matrix(present @ diags(np.log(len(texts) / np.maximum(counts, 1))))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return csr_matrix(diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ weighted)
