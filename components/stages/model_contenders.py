"""Contenders that read dishes with a language model: candidates, the champion, the untuned base, probes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from components.domain.errors import StageFailed
from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.folds import unit_of
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import TRAINING_FILE, Training, from_scratch, unread
from components.domain.ranker.closed_form import States, give_text_factors
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import Reading
from components.domain.ranker.vector_memory import remember
from components.domain.records import RULE
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.probes import with_history_of_another, without_history
from components.domain.rivals.retrieval import cosine, nearness, with_most_similar_history
from components.domain.rivals.rules import SEED
from components.domain.training_params import CandidateParams
from components.domain.verdict.table import Contender
from components.files import read_json
from components.integrations import adapters, base_models, finetuning, rule_files, scoring
from components.integrations.comparison_files import SplitFiles
from components.stages.bases import base_of, base_with
from components.stages.contenders import Setting
from components.stages.epochs import choose_epochs
from components.stages.paths import ADAPTERS, BASE, CHAMPION
from components.stages.states import stored_states

RETRIEVED = 5  # past dishes most like the menu that some rows read


def candidates(setting: Setting) -> Iterator[Contender]:
    """Scores every candidate.

    Raises:
        StageFailed: A candidate's score is NaN or infinite: its training diverged in its last step.
    """
    for name, candidate in setting.params.train.candidates.items():
        scores = _score(setting, _adapted(setting, name), setting.test, name)
        if not np.isfinite(scores).all():
            raise StageFailed(
                f"the candidate '{name}' gives scores that are no numbers, since its training diverged in "
                f"its last step: lower its rates (learning_rate is {candidate.learning_rate:g}), also that "
                "of its vectors."
            )
        yield Contender(name, "candidate", scores)


def champion(setting: Setting, facts: Mapping[str, Any]) -> Iterator[Contender]:
    """Scores the champion with the prompt that it learnt, if there is one whose base is here.

    Comparisons on which it was trained get NaN as scores.

    Args:
        facts: Content of models/champion/champion.json.
    """
    counts = unread_by_champion(setting)
    if not facts["version"] or not (counts & setting.counts).any():
        return
    if facts.get("kind") == RULE:
        scores = rule_files.load(CHAMPION).scores(setting.test, setting.dishes)
    elif base := base_with(facts["base_sha256"]):
        model = _base(base)
        adapters.load(model, CHAMPION)
        scores = _score(setting, model, setting.test, "champion", tuple(facts["dish_fields"]))
    else:
        return
    yield Contender("champion", "champion", np.where(counts[setting.test.owner], scores, np.nan))


def unread_by_champion(setting: Setting) -> Bools:
    """Selects the test comparisons that the champion has not read; (Q,) bools.

    A test can hold comparisons that the champion has read if it is longer than the test of its training.
    """
    record = CHAMPION / TRAINING_FILE
    if setting.params.split.by != "time" or not record.exists():
        return np.ones(len(setting.test), bool)
    return unread(setting.test, Training.from_json(read_json(record)))


def untuned(setting: Setting) -> Iterator[Contender]:
    """Scores with the base as it is, without training.

    Contenders that read dishes in context cost one forward pass a comparison, so they score only a subset.
    """
    model, few = _base(), setting.test.take(setting.subset)
    vectors = dish_embeddings(setting, model, stored_states(model, BASE))
    pairs = pairs_of(setting.test)
    yield Contender("base-cosine", "untuned", pairs.on_offer(nearness(pairs, vectors, setting.ratings)))
    yield Contender("base", "untuned", setting.spread(_score(setting, model, few, "base")))
    similarities = {"base-bm25": setting.by_words, "base-embeddings": cosine(vectors)}
    for name, similarity in similarities.items():
        retrieved = with_most_similar_history(few, similarity, RETRIEVED)
        yield Contender(name, "untuned", setting.spread(_score(setting, model, retrieved, name)))


def frozen(setting: Setting) -> Iterator[Contender]:
    """Trains the head of each tuned candidate on the frozen base, and scores with it."""
    for name, candidate in setting.params.train.candidates.items():
        if candidate.method != "none":
            model = _with_head(setting, candidate)
            yield Contender(f"base-{name}", "untuned", _score(setting, model, setting.test, f"base-{name}"))


def _with_head(setting: Setting, candidate: CandidateParams) -> LanguageModel:
    """Builds the frozen base with the candidate's head, trained or fitted as the candidate's is."""
    fresh = partial(_frozen_base, base_of(candidate))
    if not candidate.factors:
        return trained(setting, candidate, fresh)
    model, unit = fresh(), unit_of(setting.params.split)
    tokens, states = _tokens(setting, model), stored_states(model, base_of(candidate))
    give_text_factors(model, tokens, setting.train, setting.may_know, candidate.factors, unit, states)
    return model


def trained(
    setting: Setting, candidate: CandidateParams, fresh: Callable[[], LanguageModel]
) -> LanguageModel:
    """Trains a candidate's head, and the weights that are trainable, as a night does.

    Args:
        fresh: Builds the model as it is before training, each time anew.
    """
    model, params, train = fresh(), setting.params, setting.train
    split = SplitFiles(setting.dishes, train, setting.test, setting.may_know)
    plan = from_scratch(train, candidate, params.train.seed)
    plan = choose_epochs(plan, fresh, split, candidate, params)
    tokens, seed = _tokens(setting, model), params.train.seed
    finetuning.fit(model, tokens, plan, setting.ratings, candidate, seed, lambda _step: None)
    return model


def probes(setting: Setting, best: str) -> Iterator[Contender]:
    """Scores the best candidate with less to read, to show what the omitted part is worth.

    A candidate that does as well without the person has learnt nothing of them, so these probes are rivals.
    An ablation is not a rival: a candidate that does as well from names alone is only frugal.
    """
    model, test = _adapted(setting, best), setting.test
    scores = partial(_score, setting, model)
    short = with_most_similar_history(test, setting.by_words, RETRIEVED)
    swapped = with_history_of_another(test, SEED)
    yield Contender("no-history", "probe", scores(without_history(test), "no-history"))
    yield Contender("other-history", "probe", scores(swapped, "other-history"))
    yield Contender("short-history", "ablation", scores(short, "short-history"))
    yield Contender("name-only", "ablation", scores(test, "name-only", ("name",)))


def dish_embeddings(setting: Setting, model: LanguageModel, states: States) -> Floats:
    """Reads the line of each dish of the log and takes the hidden states after it; (D, width)."""
    tokens = _tokens(setting, model)
    lines = [tokens.alone(dish) for dish in setting.test.log.dishes]
    embeddings: Floats = states(lines, reading=Reading()).double().cpu().numpy()
    return embeddings


def _base(folder: Path = BASE) -> LanguageModel:
    return base_models.load_on_best_device(folder)


def _frozen_base(folder: Path) -> LanguageModel:
    model = _base(folder)
    model.network.requires_grad_(requires_grad=False)
    return model


def _adapted(setting: Setting, name: str) -> LanguageModel:
    """Loads the candidate; where its base is frozen, computes its dish vectors from stored states."""
    candidate = setting.params.train.candidates[name]
    model = _base(base_of(candidate))
    adapters.load(model, ADAPTERS / name)
    if candidate.factors and candidate.method == "none" and model.head:
        tokens, template = _tokens(setting, model), model.head.reading.template
        lines = [tokens.alone(dish, template) for dish in setting.test.log.dishes]
        states = stored_states(model, base_of(candidate))(lines, reading=model.head.reading)
        remember(model, lines, model.head.vectors(states, lines))
    return model


def _tokens(setting: Setting, model: LanguageModel, fields: tuple[Any, ...] = ()) -> Any:
    params = setting.params
    return model.dish_tokens(setting.dishes, fields or params.prompt.dish_fields, params.split.max_history)


def _score(
    setting: Setting, model: LanguageModel, comparisons: Comparisons, name: str, fields: tuple[Any, ...] = ()
) -> Floats:
    tokens = _tokens(setting, model, fields)
    return scoring.score(model, tokens, comparisons, name)
