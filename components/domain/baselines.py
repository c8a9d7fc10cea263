"""The simple rules that a model must beat.

Each gives scores for comparisons from what the menu and history say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from components.domain.records import Comparison, Dish

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
    """Share of wins among the training comparisons that offered it, with one win and one loss added."""
    won = Counter(each.chosen for each in train)
    offered = Counter(dish for each in train for dish in each.dishes)
    return {
        case.key: np.array([(won[dish] + 1) / (offered[dish] + 2) for dish in case.dishes]) for case in cases
    }


def tag_affinity(dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> dict[str, Floats]:
    """Mean over a dish's tags of how often the person's history, signed by verdict, had that tag."""
    tags = common_tags(dishes, cases)
    has = {key: np.array([float(tag in dish.tags) for tag in tags]) for key, dish in dishes.items()}
    nobody = np.zeros(len(tags))
    scores = {}
    for case in cases:
        affinity = _affinity(case, has, nobody)
        scores[case.key] = np.array(
            [has[dish] @ affinity / max(1.0, has[dish].sum()) for dish in case.dishes]
        )
    return scores


def content_history(
    dishes: Mapping[str, Dish], train: Sequence[Comparison], cases: Sequence[Comparison]
) -> dict[str, Floats]:
    """Conditional logit on a dish's traits and on each trait times the person's affinity to it.

    Traits are the common tags and the words that several dish names share. Affinity is the share of the
    person's history with the trait, shrunk towards everybody's. Fitted on training: maximises
    sum(log softmax(X w)[chosen]) - RIDGE * |w|^2 by Newton's method; the problem is concave.
    """
    has = traits(dishes, train)
    usual = np.mean([has[each.chosen] for each in train], axis=0)
    weights = _fit([_features(each, has, usual) for each in train], [each.chosen_index for each in train])
    return {case.key: _features(case, has, usual) @ weights for case in cases}


def traits(dishes: Mapping[str, Dish], train: Sequence[Comparison]) -> dict[str, Floats]:
    """(traits,) zeros and ones for each dish: the common tags, then the words that names share."""
    tags = common_tags(dishes, train)
    words = {key: set(re.findall(r"[^\W\d_]{3,}", dish.name.lower())) for key, dish in dishes.items()}
    counts = Counter(word for own in words.values() for word in sorted(own))
    shared = [word for word, count in counts.most_common(MOST_TRAITS) if count >= NAMES_SHARING_A_WORD]
    return {
        key: np.array(
            [*(float(tag in dish.tags) for tag in tags), *(float(word in words[key]) for word in shared)]
        )
        for key, dish in dishes.items()
    }


def without_history(cases: Sequence[Comparison]) -> list[Comparison]:
    """The same cases with nothing known of the person: a probe for what is not personal."""
    return [replace(case, history=()) for case in cases]


def with_history_of_another(cases: Sequence[Comparison], seed: int) -> list[Comparison]:
    """The same cases, each with the history of another person's case.

    A probe for leaks and for mere menu effects.

    A cyclic shift over people, taken within cases of the same day so that the swapped history is as long ago.
    """
    generator = np.random.default_rng(seed)
    by_day: dict[str, list[Comparison]] = {}
    for case in cases:
        by_day.setdefault(case.at.date().isoformat(), []).append(case)
    swapped = []
    for day in sorted(by_day):
        people: dict[str, list[Comparison]] = {}
        for case in by_day[day]:
            people.setdefault(case.person_id, []).append(case)
        names = sorted(people)
        generator.shuffle(names)
        for name, donor in zip(names, names[1:] + names[:1], strict=True):
            swapped += [replace(case, history=people[donor][0].history) for case in people[name]]
    return swapped


def common_tags(dishes: Mapping[str, Dish], cases: Sequence[Comparison]) -> list[str]:
    """The tags most often on offer, commonest first."""
    counts = Counter(tag for case in cases for dish in case.dishes for tag in dishes[dish].tags)
    return [tag for tag, _ in counts.most_common(MOST_TRAITS)]


def _affinity(case: Comparison, has: Mapping[str, Floats], usual: Floats) -> Floats:
    total = usual.copy()
    for past in case.history:
        total += past.verdict * has[past.dish_id]
    return np.asarray(total / (len(case.history) + 1))


def _features(case: Comparison, has: Mapping[str, Floats], usual: Floats) -> Floats:
    offered = np.stack([has[dish] for dish in case.dishes])
    return np.hstack([offered, offered * _affinity(case, has, usual)])


def _fit(features: Sequence[Floats], chosen: Sequence[int]) -> Floats:
    sizes = [len(each) for each in features]
    table = np.vstack(features)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    picked = np.concatenate([[0], np.cumsum(sizes)[:-1]]) + np.array(chosen)
    weights = np.zeros(table.shape[1])
    for _ in range(_NEWTON_STEPS):
        utility = table @ weights
        exponent = np.exp(utility - utility.max())
        share = exponent / np.bincount(owner, exponent)[owner]
        expected = np.zeros((len(sizes), table.shape[1]))
        np.add.at(expected, owner, share[:, None] * table)
        gradient = table[picked].sum(axis=0) - expected.sum(axis=0) - 2 * RIDGE * weights
        curvature = (
            (table * share[:, None]).T @ table - expected.T @ expected + 2 * RIDGE * np.eye(len(weights))
        )
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max(initial=0.0) < 1e-8:  # without any trait there is nothing to fit
            break
    return np.asarray(weights)
