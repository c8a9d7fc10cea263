"""The simple rules that a model must beat.

Each gives scores for comparisons from what the menu and history say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.domain.records import Comparison, Dish, Past

Floats = npt.NDArray[np.float64]

MOST_TRAITS = 40  # of tags and of words; rarer ones cannot be fitted
NAMES_SHARING_A_WORD = 3  # a word in fewer names tells the dish, not a taste
RIDGE = 1.0
_NEWTON_STEPS = 25


def random_scores(cases: Sequence[Comparison], seed: int) -> dict[str, Floats]:
    """Uniform noise: what guessing gives."""
    generator = np.random.default_rng(seed)
    return {case.key: generator.random(len(case.dishes)) for case in cases}


def popularity(train: Sequence[Comparison], cases: Sequence[Comparison]) -> dict[str, Floats]:
    """Log odds of winning a training comparison; 0 for dishes that training has not seen."""
    odds = wins(train)
    return {case.key: np.array([odds.get(dish, 0.0) for dish in case.dishes]) for case in cases}


def wins(train: Iterable[Comparison]) -> dict[str, float]:
    """For each dish log((won + 1) / (lost + 1)) over the comparisons that offered it."""
    won, offered = Counter[str](), Counter[str]()
    for each in train:
        won[each.chosen] += 1
        offered.update(each.dishes)
    return {dish: float(np.log((won[dish] + 1) / (count - won[dish] + 1))) for dish, count in offered.items()}


def tag_affinity(dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> dict[str, Floats]:
    """Mean over a dish's tags of how often the person's history, signed by verdict, had that tag."""
    tags = common_tags(dishes, cases)
    has = {key: np.array([float(tag in dish.tags) for tag in tags]) for key, dish in dishes.items()}
    nobody = np.zeros(len(tags))
    scores = {}
    for case in cases:
        affinity = _affinity(case.history, has, nobody)
        scores[case.key] = np.array(
            [has[dish] @ affinity / max(1.0, has[dish].sum()) for dish in case.dishes]
        )
    return scores


@dataclass(frozen=True)
class Traits:
    """What a dish is said to be: the common tags, then the words that several names share."""

    tags: tuple[str, ...]
    words: tuple[str, ...]

    def of(self, dish: Dish) -> Floats:
        """(traits,) zeros and ones."""
        own = _words(dish.name)
        return np.array(
            [*(float(tag in dish.tags) for tag in self.tags), *(float(word in own) for word in self.words)]
        )


def fit_traits(dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> Traits:
    """The vocabulary for these dishes."""
    counts = Counter(word for dish in dishes.values() for word in sorted(_words(dish.name)))
    shared = (word for word, count in counts.most_common(MOST_TRAITS) if count >= NAMES_SHARING_A_WORD)
    return Traits(tuple(common_tags(dishes, cases)), tuple(shared))


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", name.lower()))


@dataclass(frozen=True)
class ContentHistory:
    """A conditional logit on a dish's traits and on each trait times the person's affinity to it.

    Attributes:
        traits: Vocabulary.
        usual: (traits,) share of the preferred dishes that have each trait.
        weights: (2 * traits,) of the traits, then of their products with the affinity.
    """

    traits: Traits
    usual: Floats
    weights: Floats

    def affinity(self, history: Sequence[Past], has: Mapping[str, Floats]) -> Floats:
        """(traits,) share of the history with the trait, signed by verdict, shrunk towards everybody's."""
        return _affinity(history, has, self.usual)

    def utility(self, offered: Floats, affinity: Floats) -> Floats:
        """(dishes,) utilities in nats of offered dishes, given as (dishes, traits)."""
        return np.asarray(np.concatenate([offered, offered * affinity], axis=1) @ self.weights)

    def scores(self, dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> dict[str, Floats]:
        """(dishes,) utilities of each case's dishes, in nats, by comparison key."""
        has = {key: self.traits.of(dish) for key, dish in dishes.items()}
        return {
            case.key: self.utility(
                np.stack([has[dish] for dish in case.dishes]), self.affinity(case.history, has)
            )
            for case in cases
        }


def fit_content_history(dishes: Mapping[str, Dish], train: Sequence[Comparison]) -> ContentHistory:
    """Fits the weights; see `fit_logit`."""
    traits = fit_traits(dishes, train)
    has = {key: traits.of(dish) for key, dish in dishes.items()}
    usual = np.mean([has[each.chosen] for each in train], axis=0)
    table, at = np.stack(list(has.values())), {key: row for row, key in enumerate(has)}
    offered = table[[at[dish] for each in train for dish in each.dishes]]
    affinity = np.stack([_affinity(each.history, has, usual) for each in train])
    sizes = [len(each.dishes) for each in train]
    features = np.concatenate([offered, offered * np.repeat(affinity, sizes, axis=0)], axis=1)
    return ContentHistory(traits, usual, fit_logit(features, sizes, [each.chosen_index for each in train]))


def without_history(cases: Sequence[Comparison]) -> list[Comparison]:
    """The same cases with nothing known of the person: a probe for what is not personal."""
    return [replace(case, history=()) for case in cases]


def with_history_of_another(cases: Sequence[Comparison], seed: int) -> list[Comparison]:
    """The same cases, each with the history of another person's case.

    A probe for leaks and for mere menu effects.

    A cyclic shift over people, taken within cases of the same day so that the swapped history is as long ago.
    A person who is alone on their day is dealt with those of the next (the last: of the one before). Where
    there is only one person in all, nobody's history can be given, and theirs is left out.
    """
    generator = np.random.default_rng(seed)
    swapped = []
    for people in _people_by_days(cases):
        names = sorted(people)
        generator.shuffle(names)
        for name, donor in zip(names, names[1:] + names[:1], strict=True):
            history = people[donor][0].history if donor != name else ()
            swapped += [replace(case, history=history) for case in people[name]]
    return swapped


def _people_by_days(cases: Sequence[Comparison]) -> list[dict[str, list[Comparison]]]:
    """Cases by person, for each day or, where a day has one person only, for as few days as have two."""
    groups: list[dict[str, list[Comparison]]] = []
    day = None
    for case in sorted(cases, key=lambda each: each.at):
        if case.at.date() != day and (not groups or len(groups[-1]) > 1):
            groups.append({})
        day = case.at.date()
        groups[-1].setdefault(case.person_id, []).append(case)
    if len(groups) > 1 and len(groups[-1]) == 1:
        for name, own in groups.pop().items():
            groups[-1].setdefault(name, []).extend(own)
    return groups


def common_tags(dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> list[str]:
    """The tags most often on offer, commonest first."""
    counts = Counter(tag for case in cases for dish in case.dishes for tag in dishes[dish].tags)
    return [tag for tag, _ in counts.most_common(MOST_TRAITS)]


def _affinity(history: Sequence[Past], has: Mapping[str, Floats], usual: Floats) -> Floats:
    total = usual.copy()
    for past in history:
        total += past.verdict * has[past.dish_id]
    return np.asarray(total / (len(history) + 1))


def fit_logit(table: Floats, sizes: Sequence[int], chosen: Sequence[int]) -> Floats:
    """(features,) weights that maximise sum(log softmax(X w)[chosen]) - RIDGE * |w|^2, by Newton's method.

    Args:
        table: (dishes, features) of all comparisons, one after the other.
        sizes: How many dishes each comparison has.
        chosen: Which of its dishes is the preferred one.
    """
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])  # of each comparison's rows
    picked = first + np.array(chosen)
    weights = np.zeros(table.shape[1])
    for _ in range(_NEWTON_STEPS):
        utility = table @ weights
        exponent = np.exp(utility - utility.max())
        share = exponent / np.repeat(np.add.reduceat(exponent, first), sizes)
        expected = np.add.reduceat(share[:, None] * table, first)
        gradient = table[picked].sum(axis=0) - expected.sum(axis=0) - 2 * RIDGE * weights
        curvature = (
            (table * share[:, None]).T @ table - expected.T @ expected + 2 * RIDGE * np.eye(len(weights))
        )
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max(initial=0.0) < 1e-8:  # without any trait there is nothing to fit
            break
    return np.asarray(weights)
