"""The simple rules that a model must beat. Each scores the dishes on offer by menus, histories or dish texts.

Shapes: O dishes on offer, D dishes of the log, T traits; H distinct histories and P pairs, see `pairs`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Floats, share_of_occasion, sums
from components.domain.preferences.logit import fit_logit
from components.domain.preferences.tables import Comparisons, Questions
from components.domain.records import Dish
from components.domain.rivals.pairs import Pairs, pairs_of

MAX_TRAITS = 40  # tags, and as many words; rarer ones cannot be fitted
SEED = 11  # of the random rule, the swapped histories and the subset of costly rows
NAMES_SHARING_A_WORD = (2, 3, 5)  # a word in fewer names marks a dish, not a taste; chosen in training


def random_scores(questions: Questions, seed: int) -> Floats:
    """Draws a uniform random score for each dish on offer, (O,), as guessing would."""
    return np.random.default_rng(seed).random(len(questions.offered))


def popularity(train: Comparisons, questions: Questions) -> Floats:
    """Scores each dish on offer by its log odds of winning a training comparison, (O,); 0 without any."""
    return wins(train)[questions.offered]


def wins(train: Comparisons) -> Floats:
    """Computes log((won + 1) / (lost + 1)) over the comparisons that offered each dish, (D,).

    Each person weighs one per dish: where they met the dish at several moments, these share that weight.
    """
    count, owner = len(train.log.dishes), train.owner
    moment = np.unique(train.at, return_inverse=True)[1]
    weight = share_of_occasion(train.person[owner], train.offered, moment[owner])
    won = sums(train.offered[train.chosen_at], weight[train.chosen_at], count)
    offered = sums(train.offered, weight, count)
    return np.log((won + 1) / (offered - won + 1))


def usual(pairs: Pairs, half_life: float) -> Floats:
    """Scores how often and how recently the person had the dish, (P,).

    The score is the sum over the history of verdict * 0.5^(age / half_life). An opinion's age is the number
    of days from it to the newest line of the history.

    Args:
        half_life: Age in days at which an opinion counts half.
    """
    sizes = pairs.opinions.sizes
    ends = np.concatenate([[0], np.cumsum(sizes)])
    weights = 0.5 ** (pairs.ages / half_life) * pairs.opinions.verdict
    shape = len(sizes), len(pairs.questions.log.dishes)
    return pairs.entries(csr_matrix((weights, pairs.opinions.dish, ends), shape=shape))


def tag_affinity(dishes: Mapping[str, Dish], questions: Questions) -> Floats:
    """Averages, over a dish's tags, how often the history has the tag, signed by verdict, (O,)."""
    pairs, traits = pairs_of(questions), Traits(tuple(common_tags(dishes, questions)), ())
    has = traits.table(dishes, questions.log.dishes)
    return pairs.on_offer(mean_affinity(pairs, has, affinity(pairs, has, np.zeros(has.shape[1]))))


def mean_affinity(pairs: Pairs, has: Floats, shares: Floats) -> Floats:
    """Averages a person's affinity over the traits of a dish, (P,); 0 without traits.

    Args:
        has: (D, T) 1 for each trait that a dish has, else 0.
        shares: (H, T) affinity after each history.
    """
    traits = has[pairs.dish]
    return np.asarray((traits * shares[pairs.history]).sum(1) / np.maximum(1.0, traits.sum(1)))


@dataclass(frozen=True)
class Traits:
    """The traits that a dish may have: the common tags, then the words that several names share."""

    tags: tuple[str, ...]
    words: tuple[str, ...]

    def table(self, dishes: Mapping[str, Dish], order: tuple[str, ...]) -> Floats:
        """Marks the traits of each dish, in the order of the given ids: (D, T) zeros and ones."""
        return np.array([self._of(dishes[dish]) for dish in order]).reshape(len(order), -1)

    def _of(self, dish: Dish) -> list[float]:
        words = _words(dish.name)
        return [
            *(float(tag in dish.tags) for tag in self.tags),
            *(float(word in words) for word in self.words),
        ]


def fit_traits(dishes: Mapping[str, Dish], questions: Questions, sharing: int) -> Traits:
    """Chooses the traits for these dishes: the common tags, and words that at least `sharing` names have."""
    counts = Counter(word for dish in dishes.values() for word in sorted(_words(dish.name)))
    shared = (word for word, count in counts.most_common(MAX_TRAITS) if count >= sharing)
    return Traits(tuple(common_tags(dishes, questions)), tuple(shared))


def common_tags(dishes: Mapping[str, Dish], questions: Questions) -> list[str]:
    """Lists the MAX_TRAITS tags that are most often on offer; among equals the one offered first leads."""
    codes, first, times = np.unique(questions.offered, return_index=True, return_counts=True)
    counts = Counter[str]()
    for index in np.argsort(first):
        for tag in dishes[questions.log.dishes[codes[index]]].tags:
            counts[tag] += int(times[index])
    return [tag for tag, _ in counts.most_common(MAX_TRAITS)]


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", name.lower()))


def affinity(pairs: Pairs, has: Floats, mean: Floats) -> Floats:
    """Computes the share of each history that has each trait, (H, T).

    Lines count by their verdict, so disliked dishes count negatively. Shares are shrunk towards everybody's.

    Args:
        has: (D, T) 1 for each trait that a dish has, else 0.
        mean: (T,) everybody's share.
    """
    total = mean + pairs.verdicts() @ has
    return np.asarray(total / (pairs.opinions.sizes[:, None] + 1))


@dataclass(frozen=True, eq=False)
class ContentHistory:
    """A conditional logit on a dish's traits and on each trait times the person's affinity to it.

    Attributes:
        traits: The traits that the logit reads.
        mean: (T,) share of the preferred dishes that have each trait.
        weights: (2 T,) weights of the traits, then of their products with the affinity.
    """

    traits: Traits
    mean: Floats
    weights: Floats

    def scores(self, dishes: Mapping[str, Dish], questions: Questions) -> Floats:
        """Computes the utilities of the dishes on offer, (O,) in nats."""
        pairs, has = pairs_of(questions), self.traits.table(dishes, questions.log.dishes)
        return pairs.on_offer(self.utility(pairs, has, affinity(pairs, has, self.mean)))

    def utility(self, pairs: Pairs, has: Floats, shares: Floats) -> Floats:
        """Computes the utilities of pairs, (P,) in nats; arguments as for `mean_affinity`."""
        traits, count = has[pairs.dish], len(self.mean)
        weights = self.weights[:count] + self.weights[count:] * shares[pairs.history]
        return np.asarray((traits * weights).sum(1))


def fit_content_history(
    dishes: Mapping[str, Dish],
    train: Comparisons,
    sharing: int = NAMES_SHARING_A_WORD[0],
    pairs: Pairs | None = None,
) -> ContentHistory:
    """Chooses the traits and fits their weights; see `fit_logit`.

    Args:
        sharing: Number of names that must contain a word for the word to count as a trait.
        pairs: The pairs of `train`; None to collect them.
    """
    traits = fit_traits(dishes, train, sharing)
    has = traits.table(dishes, train.log.dishes)
    mean = has[train.offered[train.chosen_at]].mean(axis=0)
    pairs = pairs or pairs_of(train)
    products = has[pairs.dish] * affinity(pairs, has, mean)[pairs.history]
    features = np.concatenate([has[train.offered], products[pairs.pair]], axis=1)
    return ContentHistory(traits, mean, fit_logit(features, train.sizes, train.chosen))
