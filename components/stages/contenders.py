"""The contenders of a night's table: one function a kind, each giving scores of the test's dishes by name."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from components.domain.params import CandidateParams, Params
from components.domain.preferences.arrays import Bools, Floats, Ints, ranges
from components.domain.preferences.dish_split import only_new
from components.domain.preferences.folds import unit_of
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import from_scratch
from components.domain.ranker import encoding
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.factors import Dishes
from components.domain.ranker.fit_factors import fit_factors
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Dish
from components.domain.rivals import rules
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.probes import with_history_of_another, without_history
from components.domain.rivals.retrieval import (
    Similarity,
    bm25,
    cosine,
    nearness,
    with_most_similar_history,
)
from components.domain.rivals.stacked_rules import fit_stacked_rules
from components.domain.rivals.words import word_vectors
from components.domain.verdict.table import Contender
from components.integrations import adapters, base_models, finetuning, scoring
from components.integrations.comparison_files import SplitFiles
from components.stages.bases import base_of, base_with
from components.stages.epochs import choose_epochs
from components.stages.paths import ADAPTERS, BASE, CHAMPION

DEFAULT_SIZE = 64  # of text factors on words and tags where no candidate says


@dataclass(frozen=True)
class Setting:
    """What all contenders share.

    Attributes:
        params: The night's settings.
        dishes: By id.
        train: Comparisons to fit rules on.
        test: Comparisons to score.
        may_know: (L,) True for the lines of the log that training may read.
        ratings: How ratings become strengths.
        counts: (Q,) True for the test comparisons that the table and the gate stand on.
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
        """(O,) scores of the subset at their positions in the test, NaN elsewhere."""
        values, numbers = np.full(len(self.test.offered), np.nan), list(self.subset)
        values[ranges(self.test.firsts[numbers], self.test.sizes[numbers])] = scores
        return values


def setting_of(params: Params, split: Split, dishes: dict[str, Dish], ratings: RatingScale) -> Setting:
    """The setting of a night; where dishes are hidden the table stands on new ones against each other."""
    test, by_dish = split.test, params.split.by == "dish"
    counts = only_new(split) if by_dish else np.ones(len(test), bool)
    few = subset(test, np.flatnonzero(counts), params.evaluate.subset, params.evaluate.seed)
    return Setting(params, dishes, split.train, test, split.may_know, ratings, counts, few)


def subset(test: Comparisons, numbers: Ints, size: int, seed: int) -> tuple[int, ...]:
    """`size` of the test comparisons: one of every person in random order, then a second one, and so on.

    Intervals are over people, so as many people as possible are included.

    Args:
        test: The comparisons.
        numbers: Of those to draw from.
        size: Number of comparisons, if there are as many.
        seed: Seed of the draw.
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


def candidates(setting: Setting) -> Iterator[Contender]:
    """Every candidate."""
    for name in setting.params.train.candidates:
        yield Contender(name, "candidate", _score(setting, _adapted(setting, name), setting.test, name))


def champion(setting: Setting, facts: Mapping[str, Any]) -> Iterator[Contender]:
    """The champion with the prompt that it learnt, if there is one on a base that is here.

    Args:
        setting: The night's setting.
        facts: Content of models/champion/champion.json.
    """
    base = base_with(facts["base_sha256"]) if facts["version"] else None
    if base:
        model = _base(base)
        adapters.load(model, CHAMPION)
        scores = _score(setting, model, setting.test, "champion", tuple(facts["dish_fields"]))
        yield Contender("champion", "champion", scores)


def simple_rules(setting: Setting) -> Iterator[Contender]:
    """What anyone could write without a language model."""
    dishes, train, test = setting.dishes, setting.train, setting.test
    unit, half_lives = unit_of(setting.params.split), setting.params.evaluate.half_life_days
    stacked = fit_stacked_rules(dishes, train, setting.may_know, unit=unit, half_lives=half_lives)
    yield Contender("random", "rule", rules.random_scores(test, setting.params.evaluate.seed))
    yield Contender("popularity", "rule", rules.popularity(train, test))
    yield Contender("tag-affinity", "rule", rules.tag_affinity(dishes, test))
    yield Contender("usual", "rule", stacked.usual(test))
    yield Contender("content-history", "rule", stacked.content.scores(dishes, test))
    if stacked.people.knows_any(test.offered):
        yield Contender("item-knn", "rule", stacked.neighbours(test))
        yield Contender("matrix-factorisation", "rule", stacked.factors(test))
    yield Contender("stacked-rules", "rule", stacked.scores(dishes, test))


def factors_without_a_model(setting: Setting) -> Iterator[Contender]:
    """Text factors on words and on tags in the place of a language model's vectors.

    They tell dishes by their ids, so no two are twins, and where dishes recur they are matrix factorisation.
    Nothing where dishes are not hidden and no candidate has text factors.
    """
    params, order = setting.params, setting.test.log.dishes
    heads = [candidate.factors for candidate in params.train.candidates.values() if candidate.factors]
    if not heads and params.split.by != "dish":
        return
    size = max((head.size for head in heads), default=DEFAULT_SIZE)
    words = word_vectors(setting.dishes, order)
    tags = rules.Traits(tuple(rules.common_tags(setting.dishes, setting.train)), ())
    tables = {"words": words} | ({"tags": tags.table(setting.dishes, order)} if tags.tags else {})
    for name, vectors in tables.items():
        dishes = Dishes(vectors, np.arange(len(order)))
        fitted = fit_factors(dishes, setting.train, setting.may_know, unit_of(params.split), size)
        yield Contender(f"factors-on-{name}", "rule", fitted.scores(setting.test))
        if name == "words":
            common, _ = fitted.factors.parts(*fitted.factors.batch(setting.test), [fitted.noise])
            yield Contender("mean-by-words", "rule", common.double().numpy())


def untuned(setting: Setting) -> Iterator[Contender]:
    """What the base gives without training.

    Those that read dishes in context cost a forward pass each and score a subset.
    """
    model, few = _base(), setting.test.take(setting.subset)
    vectors = dish_embeddings(setting, model)
    pairs = pairs_of(setting.test)
    yield Contender("base-cosine", "untuned", pairs.on_offer(nearness(pairs, vectors, setting.ratings)))
    yield Contender("base", "untuned", setting.spread(_score(setting, model, few, "base")))
    similarities = {"base-bm25": setting.by_words, "base-embeddings": cosine(vectors)}
    for name, similarity in similarities.items():
        retrieved = with_most_similar_history(few, similarity, setting.params.evaluate.retrieved)
        yield Contender(name, "untuned", setting.spread(_score(setting, model, retrieved, name)))


def frozen(setting: Setting) -> Iterator[Contender]:
    """For each tuned candidate with a head the same head on the frozen base."""
    for name, candidate in setting.params.train.candidates.items():
        if candidate.vectors and candidate.method != "none":
            model = _with_head(setting, candidate)
            yield Contender(f"base-{name}", "untuned", _score(setting, model, setting.test, f"base-{name}"))


def _with_head(setting: Setting, candidate: CandidateParams) -> LanguageModel:
    """The frozen base with the candidate's head, trained or fitted as the candidate's is."""
    model, params = _frozen_base(base_of(candidate)), setting.params
    tokens, train = _tokens(setting, model), setting.train
    if candidate.factors:
        give_text_factors(model, tokens, train, setting.may_know, candidate.factors, unit_of(params.split))
        return model
    plan = from_scratch(train, candidate, params.train.seed)
    split = SplitFiles(setting.dishes, train, setting.test, setting.may_know)
    plan = choose_epochs(plan, partial(_frozen_base, base_of(candidate)), split, candidate, params)
    finetuning.fit(model, tokens, plan, setting.ratings, candidate, params.train, lambda _step: None)
    return model


def probes(setting: Setting, best: str) -> Iterator[Contender]:
    """The best candidate with something taken from it: what that something is worth.

    A candidate that does as well without the person has learnt nothing of them, so these probes are rivals;
    an ablation is none: a candidate that does as well from names alone is only frugal.
    """
    model, evaluate = _adapted(setting, best), setting.params.evaluate
    test = setting.test if model.head else setting.test.take(setting.subset)

    def scores(comparisons: Comparisons, name: str, fields: tuple[Any, ...] = ()) -> Floats:
        values = _score(setting, model, comparisons, name, fields)
        return values if model.head else setting.spread(values)

    short = with_most_similar_history(test, setting.by_words, evaluate.retrieved)
    swapped = with_history_of_another(test, evaluate.seed)
    yield Contender("no-history", "probe", scores(without_history(test), "no-history"))
    yield Contender("other-history", "probe", scores(swapped, "other-history"))
    yield Contender("short-history", "ablation", scores(short, "short-history"))
    yield Contender("name-only", "ablation", scores(test, "name-only", ("name",)))


def dish_embeddings(setting: Setting, model: LanguageModel) -> Floats:
    """(D, width) hidden states after the line of each dish of the log."""
    tokens = _tokens(setting, model)
    states = encoding.hidden_states(model, [tokens.alone(dish) for dish in setting.test.log.dishes])
    embeddings: Floats = states.double().cpu().numpy()
    return embeddings


def _base(folder: Path = BASE) -> LanguageModel:
    return base_models.load_on_best_device(folder)


def _frozen_base(folder: Path) -> LanguageModel:
    model = _base(folder)
    model.network.requires_grad_(requires_grad=False)
    return model


def _adapted(setting: Setting, name: str) -> LanguageModel:
    model = _base(base_of(setting.params.train.candidates[name]))
    adapters.load(model, ADAPTERS / name)
    return model


def _tokens(setting: Setting, model: LanguageModel, fields: tuple[Any, ...] = ()) -> Any:
    params = setting.params
    return model.dish_tokens(setting.dishes, fields or params.prompt.dish_fields, params.split.max_history)


def _score(
    setting: Setting, model: LanguageModel, comparisons: Comparisons, name: str, fields: tuple[Any, ...] = ()
) -> Floats:
    tokens = _tokens(setting, model, fields)
    return scoring.score(model, tokens, comparisons, setting.params.train.sequence_tokens, name)
