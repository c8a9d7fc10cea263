"""Fits the stacked rules: constants, rules and weights, all inside the training period.

A conditional logit on all rules is the strongest score without a language model, and so the rival that every
candidate must beat. The rules are fitted on some folds, and their constants are compared on the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.folds import Fold, Unit, folds_of, share_won
from components.domain.preferences.logit import fit_logit
from components.domain.preferences.strengths import known_opinions
from components.domain.preferences.tables import Comparisons
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
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.rules import (
    NAMES_SHARING_A_WORD,
    ContentHistory,
    fit_content_history,
    usual,
    wins,
)
from components.domain.rivals.stacked_rules import RULES, Constants, StackedRules
from components.domain.rivals.words import word_matrix

FOLDS = 5
HALF_LIVES = (7.0, 30.0, 3650.0)  # days after which the rule `usual` counts an opinion half
GRID: Mapping[str, Sequence[Any]] = {  # values to choose from, by field of `Constants`
    "sharing": NAMES_SHARING_A_WORD,
    "neighbours": list(itertools.product(NEIGHBOURS, SHRINKS, PRIORS)),
    "factors": list(itertools.product(FACTORS, NOISES)),
    "half_life": HALF_LIVES,
}
MAX_CHOOSING = 4000  # comparisons of a fold on which constants are compared
STACKED, POPULARITY = "stacked-rules", "popularity"
SINGLE = {  # rules that may serve by themselves, with the rule's name among RULES
    POPULARITY: "popularity",
    "content-history": "content-history",
    "usual": "usual",
    "item-knn": "item-knn",
    "matrix-factorisation": "factors",
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fitted rules, and how well each reads plain histories.

    Attributes:
        rules: The stacked rules, which know the menus and times of histories.
        plain: (RULES,) the weights for plain histories; see `Pairs`.
        means: By rule, its mean share of pairs won on the folds, after plain histories.
    """

    rules: StackedRules
    plain: Floats
    means: Mapping[str, float]

    def alone(self, name: str) -> StackedRules:
        """Gives the rules the weights by which the rule of this name decides after plain histories."""
        return replace(self.rules, weights=self.plain if name == STACKED else _alone(name))


def fit_stacked_rules(
    dishes: Mapping[str, Dish], train: Comparisons, may_know: Bools, *, unit: Unit
) -> Fitted:
    """Chooses the constants, fits the rules, and fits their weights on folds that the rules did not read.

    A rule looks better on a comparison that it has read than on new ones (stacking, Wolpert 1992).

    Args:
        may_know: (L,) True for the lines of the log that training may read.
        unit: What is new in the test: days (with their dishes), people, or dishes.
    """
    log, words = train.log, word_matrix(dishes, train.log.dishes)
    folds = _folds(train, may_know, unit)
    fits = [_fit_fold(dishes, fold) for fold in folds]
    constants = _chosen(fits)
    new, some = [fold.new for fold in folds], [fit.some for fit in fits]
    features, plain = list[Floats](), list[Floats]()
    for fold, fit in zip(folds, fits, strict=True):
        rules = _stacked(fit.contents[constants.sharing], fold.train, words, fit.people, constants)
        features.append(rules.features(dishes, fold.new))
        plain.append(rules.features(dishes, fit.some, plain=True))
    people = fit_collaborative(known_opinions(log, may_know), log.menus, len(log.dishes))
    content = fit_content_history(dishes, train, constants.sharing)
    rules = _stacked(content, train, words, people, constants)
    weighted = replace(rules, weights=_weights(features, new))
    return Fitted(weighted, _weights(plain, some), _means(plain, some))


def best_rule(means: Mapping[str, float]) -> str:
    """Chooses the rule with the best mean on folds; popularity where none is above it."""
    best = str(_best(means))
    return best if means[best] > means[POPULARITY] else POPULARITY


def _weights(features: Sequence[Floats], new: Sequence[Comparisons]) -> Floats:
    """Fits the weights of all rules by the logit on some folds; zeros without any fold."""
    if not new:
        return np.zeros(len(RULES))
    sizes, chosen = (np.concatenate([getattr(each, name) for each in new]) for name in ("sizes", "chosen"))
    return fit_logit(np.concatenate(features), sizes, chosen)


def _alone(name: str) -> Floats:
    """Builds the weights by which one rule alone decides."""
    return np.array([float(rule == SINGLE[name]) for rule in RULES])


def _means(features: Sequence[Floats], new: Sequence[Comparisons]) -> dict[str, float]:
    """Averages each rule's share of pairs won over folds; on each, the logit is fitted on the other folds."""
    weights = {name: [_alone(name)] * len(new) for name in SINGLE}
    if len(new) > 1:
        rest = [[fold for fold in range(len(new)) if fold != left_out] for left_out in range(len(new))]
        weights[STACKED] = [
            _weights([features[fold] for fold in some], [new[fold] for fold in some]) for some in rest
        ]
    won = {
        name: [share_won(each @ by, fold) for each, by, fold in zip(features, of_folds, new, strict=True)]
        for name, of_folds in weights.items()
    }
    return {name: float(np.mean(shares)) if shares else 0.5 for name, shares in won.items()}


def _folds(train: Comparisons, may_know: Bools, unit: Unit) -> list[Fold]:
    """Divides the comparisons by the unit, else by people, else by days: the first that leaves any folds."""
    units: tuple[Unit, ...] = (unit, "person", "day")
    every = (list(folds_of(train, may_know, one, FOLDS)) for one in units)
    return next(filter(None, every), [])


@dataclass(frozen=True, eq=False)
class _FoldFit:
    """Rules that are fitted on a fold.

    Attributes:
        people: Item-kNN and matrix factorisation.
        contents: The content-history rule by `Constants.sharing`.
        some: New comparisons of the fold, on which constants are compared.
        won: The share of their pairs that is won with a constant, by its name and value.
    """

    people: Collaborative
    contents: Mapping[int, ContentHistory]
    some: Comparisons
    won: Mapping[tuple[str, Any], float]


def _fit_fold(dishes: Mapping[str, Dish], fold: Fold) -> _FoldFit:
    """Fits the rules on a fold, and tries all constants on its new comparisons."""
    some = fold.some(MAX_CHOOSING).new
    pairs, log = pairs_of(some), some.log
    people = fit_collaborative(known_opinions(log, fold.may_know), log.menus, len(log.dishes), fold.hidden)
    read = pairs_of(fold.train)
    contents = {count: fit_content_history(dishes, fold.train, count, read) for count in NAMES_SHARING_A_WORD}
    scores: dict[str, Callable[[Any], Floats]] = {
        "sharing": lambda count: contents[count].scores(dishes, some),
        "neighbours": lambda knn: pairs.on_offer(people.neighbours(pairs, *knn)),
        "factors": lambda model: pairs.on_offer(people.factors(pairs, *model)),
        "half_life": lambda days: pairs.on_offer(usual(pairs, days)),
    }
    won = {(name, each): share_won(scores[name](each), some) for name in GRID for each in GRID[name]}
    return _FoldFit(people.without_similarities(), contents, some, won)


def _chosen(fits: Sequence[_FoldFit]) -> Constants:
    """Chooses the constants that win the most pairs on the folds; the first ones without any fold."""
    won = {
        name: {each: sum(fit.won[name, each] for fit in fits) for each in values}
        for name, values in GRID.items()
    }
    return Constants(**{name: _best(table) for name, table in won.items()})


def _best(table: Mapping[Any, float]) -> Any:
    return max(table, key=table.__getitem__)


def _stacked(
    content: ContentHistory,
    train: Comparisons,
    words: csr_matrix,
    people: Collaborative,
    constants: Constants,
) -> StackedRules:
    """Puts fitted rules together, and leaves their weights in the logit at zero."""
    return StackedRules(content, wins(train), words, people, constants, np.zeros(len(RULES)))
