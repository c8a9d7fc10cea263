"""All simple rules in one: a conditional logit on what each of them says of a dish and a person.

The strongest thing that we can say without a language model, and so the rival that every candidate must beat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.preferences.strengths import known_opinions, strengths
from components.domain.records import Comparison, Dish, Past
from components.domain.rivals.baselines import ContentHistory, fit_content_history, fit_logit, wins
from components.domain.rivals.collaborative import (
    Collaborative,
    Floats,
    fit_collaborative,
)

FOLDS = 5  # the weights are fitted on cases whose fold the rules never saw
RULES = ("content-history", "tag-affinity", "word-overlap", "own", "popularity", "item-knn", "factors")


@dataclass(frozen=True)
class StackedRules:
    """A fitted rule over dishes given a person's history.

    Attributes:
        content: The content-history rule.
        popular: Log odds of winning a comparison, by dish.
        rarity: Inverse document frequency of the words of dishes.
        people: Item-kNN and matrix factorisation.
        weights: (RULES,) of the logit.
    """

    content: ContentHistory
    popular: Mapping[str, float]
    rarity: Mapping[str, float]
    people: Collaborative
    weights: Floats

    def scores(self, dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> dict[str, Floats]:
        """(dishes,) utilities of each case's dishes, in nats, by comparison key."""
        return {key: told @ self.weights for key, told in self.opinions(dishes, cases).items()}

    def opinions(self, dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> dict[str, Floats]:
        """(dishes, RULES) what each rule says of each case's dishes; 0 where it knows nothing."""
        has = {key: self.content.traits.of(dish) for key, dish in dishes.items()}
        words = {key: _words(dish, self.rarity) for key, dish in dishes.items()}
        people = {history: self._person(history, has, words) for history in {case.history for case in cases}}
        index = {dish: place for place, dish in enumerate(self.people.dishes)}
        told = {}
        for case in cases:
            person = people[case.history]
            offered = np.stack([has[dish] for dish in case.dishes])
            at = [index.get(dish, -1) for dish in case.dishes]
            columns = [
                self.content.utility(offered, person.affinity),
                offered @ person.affinity / np.maximum(1.0, offered.sum(1)),
                [_overlap(words[dish], person.words) for dish in case.dishes],
                [person.own.get(dish, 0.0) for dish in case.dishes],
                [self.popular.get(dish, 0.0) for dish in case.dishes],
                person.neighbours[at],
                person.factors[at],
            ]
            told[case.key] = np.stack([np.asarray(column, float) for column in columns], axis=1)
        return told

    def _person(
        self, history: Sequence[Past], has: Mapping[str, Floats], words: Mapping[str, Mapping[str, float]]
    ) -> _Person:
        said = list(zip(history, strengths(history, self.people.spread).tolist(), strict=True))
        liked: dict[str, float] = {}
        own: dict[str, list[float]] = {}
        for past, strength in said:
            own.setdefault(past.dish_id, []).append(strength)
            for word, weight in words[past.dish_id].items():
                liked[word] = liked.get(word, 0.0) + weight * strength / (len(history) + 1)
        return _Person(
            self.content.affinity(history, has),
            liked,
            {dish: sum(strengths) / len(strengths) for dish, strengths in own.items()},
            np.append(self.people.neighbours(history), 0.0),
            np.append(self.people.factors(history), 0.0),
        )


@dataclass(frozen=True)
class _Person:
    """What a history says: affinity to traits, liked words, strength by dish, two tables over dishes."""

    affinity: Floats
    words: Mapping[str, float]
    own: Mapping[str, float]
    neighbours: Floats
    factors: Floats


def fit_stacked_rules(
    dishes: Mapping[str, Dish], train: Sequence[Comparison], fold_of: Callable[[Comparison], str]
) -> StackedRules:
    """Fits the rules, and their weights on cases that the rules did not see (stacking, Wolpert 1992).

    A rule that has seen a case looks better on it than it will on new ones.

    Args:
        dishes: All that the comparisons name.
        train: The training comparisons.
        fold_of: What is new in the test: the person, or the day (with its new dishes).
    """
    names = sorted({fold_of(each) for each in train})
    fold = {name: number % FOLDS for number, name in enumerate(names)}
    told: dict[str, Floats] = {}
    for number in range(FOLDS):
        inside = [each for each in train if fold[fold_of(each)] == number]
        outside = [each for each in train if fold[fold_of(each)] != number]
        if inside and outside:
            told |= _rules(dishes, outside, inside).opinions(dishes, inside)
    asked = [each for each in train if each.key in told]
    table = np.concatenate([told[each.key] for each in asked])
    sizes, chosen = [len(each.dishes) for each in asked], [each.chosen_index for each in asked]
    weights = fit_logit(table, sizes, chosen)
    rules = _rules(dishes, train, ())
    return StackedRules(rules.content, rules.popular, rules.rarity, rules.people, weights)


def _rules(
    dishes: Mapping[str, Dish],
    seen: Sequence[Comparison],
    new: Sequence[Comparison],
) -> StackedRules:
    """Fits all but the weights on `seen`.

    A dish that only `new` offers is as new as the test's: nobody's past line on it is read.
    """
    hidden = {dish for each in new for dish in each.dishes} - {dish for each in seen for dish in each.dishes}
    known = {
        person: [past for past in own if past.dish_id not in hidden]
        for person, own in known_opinions(seen).items()
    }
    content = fit_content_history(dishes, seen)
    return StackedRules(
        content, wins(seen), _rarity(dishes.values()), fit_collaborative(known), np.zeros(len(RULES))
    )


def _terms(dish: Dish) -> set[str]:
    text = " ".join((dish.name, dish.description, *dish.tags, *dish.ingredients)).lower()
    return set(re.findall(r"[^\W\d_]{3,}", text))


def _rarity(dishes: Iterable[Dish]) -> dict[str, float]:
    texts = [_terms(dish) for dish in dishes]
    counts = Counter(word for text in texts for word in sorted(text))
    return {word: float(np.log(len(texts) / count)) for word, count in sorted(counts.items())}


def _words(dish: Dish, rarity: Mapping[str, float]) -> dict[str, float]:
    """The dish's words, weighted by rarity, as a vector of length 1."""
    own = {word: rarity.get(word, 0.0) for word in sorted(_terms(dish))}
    length = float(np.sqrt(sum(value**2 for value in own.values()))) or 1.0
    return {word: value / length for word, value in own.items()}


def _overlap(own: Mapping[str, float], liked: Mapping[str, float]) -> float:
    return sum(weight * liked.get(word, 0.0) for word, weight in own.items())
