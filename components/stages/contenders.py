"""The contenders of a night's table: each function yields one kind, with scores of the test's dishes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from components.domain.params import Params
from components.domain.preferences.arrays import Bools, Floats, Ints, ranges
from components.domain.preferences.dish_split import only_new
from components.domain.preferences.folds import unit_of
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.factors import Dishes
from components.domain.ranker.fit_factors import Fitted as FittedFactors
from components.domain.ranker.fit_factors import fit_factors
from components.domain.records import Dish
from components.domain.rivals import rules
from components.domain.rivals.fit_stacked_rules import Fitted, fit_stacked_rules
from components.domain.rivals.retrieval import (
    Similarity,
    bm25,
)
from components.domain.rivals.stacked_rules import StackedRules
from components.domain.rivals.words import word_vectors
from components.domain.verdict.clusters import Clusters
from components.domain.verdict.table import Contender, ResultTable

DEFAULT_SIZE = 64  # of text factors on words and tags where no candidate says


@dataclass(frozen=True)
class Setting:
    """The data and settings that all contenders share.

    Attributes:
        params: The night's settings.
        dishes: All dishes, by id.
        train: Comparisons to fit rules on.
        test: Comparisons to score.
        may_know: (L,) True for the lines of the log that training may read.
        ratings: The scale that turns ratings into strengths.
        counts: (Q,) True for the test comparisons that the table and the gate use.
        subset: Numbers of the test comparisons that costly contenders score, in the order of scoring.
    """

    params: Params
    dishes: dict[str, Dish]
    train: Comparisons
    test: Comparisons
    may_know: Bools
    ratings: RatingScale
    counts: Bools
    subset: tuple[int, ...]

    @property
    def by_words(self) -> Similarity:
        """Similarity of dishes by BM25."""
        return bm25(self.dishes, self.test.log.dishes)

    def spread(self, scores: Floats) -> Floats:
        """Places the scores of the subset at their positions in the test; (O,), NaN elsewhere."""
        values, numbers = np.full(len(self.test.offered), np.nan), list(self.subset)
        values[ranges(self.test.firsts[numbers], self.test.sizes[numbers])] = scores
        return values


def setting_of(params: Params, split: Split, dishes: dict[str, Dish], ratings: RatingScale) -> Setting:
    """Builds the setting of a night.

    Where the split hides dishes, the table uses only comparisons of new dishes with each other.
    """
    test, by_dish = split.test, params.split.by == "dish"
    counts = only_new(split) if by_dish else np.ones(len(test), bool)
    few = subset(test, np.flatnonzero(counts), params.evaluate.subset, rules.SEED)
    return Setting(params, dishes, split.train, test, split.may_know, ratings, counts, few)


def table_of(setting: Setting, rows: Sequence[Contender]) -> ResultTable:
    """Builds the table of these rows; their intervals count people, and menu days or hidden dishes."""
    params = setting.params
    unit: Clusters = "dishes" if params.split.by == "dish" else "menu days"
    return ResultTable(setting.test, rows, params.evaluate.confidence, unit)


def subset(test: Comparisons, numbers: Ints, size: int, seed: int) -> tuple[int, ...]:
    """Draws `size` test comparisons: one of every person in random order, then a second one, and so on.

    Intervals are over people, so as many people as possible are included.

    Args:
        numbers: Numbers of the comparisons to draw from.
        size: The most comparisons to draw; all are drawn where there are fewer.
    """
    draw = random.Random(seed)
    by_person: dict[int, list[int]] = {}
    for number in numbers[np.argsort(test.key[numbers].astype(str), kind="stable")].tolist():
        by_person.setdefault(int(test.person[number]), []).append(number)
    rounds: list[tuple[int, int]] = []
    for person in draw.sample(sorted(by_person), len(by_person)):
        some = by_person[person]
        rounds += list(enumerate(draw.sample(some, len(some))))
    return tuple(number for _, number in sorted(rounds, key=itemgetter(0))[:size])


def fit_rules(setting: Setting) -> Fitted:
    """Fits the rules that anyone could write without a language model."""
    unit = unit_of(setting.params.split)
    return fit_stacked_rules(setting.dishes, setting.train, setting.may_know, unit=unit)


def simple_rules(setting: Setting, stacked: StackedRules) -> Iterator[Contender]:
    """Scores fitted rules, and those that need no fit.

    `item-knn` and `matrix-factorisation` are left out where training knows none of the offered dishes.
    """
    dishes, train, test = setting.dishes, setting.train, setting.test
    yield Contender("random", "rule", rules.random_scores(test, rules.SEED))
    yield Contender("popularity", "rule", rules.popularity(train, test))
    yield Contender("tag-affinity", "rule", rules.tag_affinity(dishes, test))
    yield Contender("usual", "rule", stacked.usual(test))
    yield Contender("content-history", "rule", stacked.content.scores(dishes, test))
    if stacked.people.knows_any(test.offered):
        yield Contender("item-knn", "rule", stacked.neighbours(test))
        yield Contender("matrix-factorisation", "rule", stacked.factors(test))
    yield Contender("stacked-rules", "rule", stacked.scores(dishes, test))


_Table = tuple[str, Floats, tuple[str, ...] | None, Floats | None]  # name, vectors, tags, basis


@dataclass(frozen=True, eq=False)
class FactorRule:
    """Text factors on words or tags, fitted, with what reads the vector of a dish; see `WordFactors`."""

    name: str
    fitted: FittedFactors
    tags: tuple[str, ...] | None
    basis: Floats | None


def fit_factor_rules(setting: Setting) -> list[FactorRule]:
    """Fits text factors on words and on tags, instead of a language model's vectors.

    They tell dishes apart by id, so there are no twins. Where dishes recur, they amount to matrix
    factorisation. There are none where dishes are not hidden and no candidate has text factors.
    """
    params, order = setting.params, setting.test.log.dishes
    heads = [candidate.factors for candidate in params.train.candidates.values() if candidate.factors]
    if not heads and params.split.by != "dish":
        return []
    size = max((head.size for head in heads), default=DEFAULT_SIZE)
    vectors, basis = word_vectors(setting.dishes, order)
    tags = tuple(rules.common_tags(setting.dishes, setting.train))
    tables: list[_Table] = [("words", vectors, None, basis)]
    if tags:
        tables.append(("tags", rules.Traits(tags, ()).table(setting.dishes, order), tags, None))
    unit = unit_of(params.split)
    return [
        FactorRule(
            f"factors-on-{name}",
            fit_factors(Dishes(table, np.arange(len(order))), setting.train, setting.may_know, unit, size),
            read,
            directions,
        )
        for name, table, read, directions in tables
    ]


def factor_rules(setting: Setting, fitted: Sequence[FactorRule]) -> Iterator[Contender]:
    """Scores fitted text factors on words and on tags."""
    for rule in fitted:
        yield Contender(rule.name, "rule", rule.fitted.scores(setting.test))
        if rule.tags is None:
            factors = rule.fitted.factors
            common, _ = factors.parts(*factors.batch(setting.test), [rule.fitted.noise])
            yield Contender("mean-by-words", "rule", common.double().numpy())
