"""The stage `train`: data/splits + models/base + models/start → models/adapters/NAME and its loss curve."""

from __future__ import annotations

import csv
import logging
import time
from dataclasses import astuple

import torch
from torch import nn

from components.domain.errors import NotFound
from components.domain.params import Params
from components.domain.preferences.folds import unit_of
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import (
    TRAINING_FILE,
    Plan,
    Training,
    from_scratch,
    from_start,
    of_everything,
)
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.language_model import LanguageModel
from components.domain.training_params import CandidateParams, TrainParams
from components.files import read_json, write_json
from components.integrations import adapters, base_models, comparison_files, finetuning
from components.integrations.model_registry.runs import live_run
from components.stages.bases import base_facts, base_of
from components.stages.epochs import choose_epochs
from components.stages.paths import ADAPTERS, REPORTS, SPLITS, START
from components.stages.states import stored_states

logger = logging.getLogger(__name__)


def train(params: Params, name: str) -> None:
    """Trains one candidate's adapter.

    The curve also appears live in MLflow if the night gave the stage a run.

    Raises:
        NotFound: train.candidates has no candidate of this name.
    """
    if name not in params.train.candidates:
        names = ", ".join(params.train.candidates)
        raise NotFound(f"There is no candidate '{name}': train.candidates of params.yaml has {names}.")
    candidate, settings = params.train.candidates[name], params.train
    torch.set_num_threads(settings.threads)
    split = comparison_files.read_split(SPLITS)
    plan = _plan(split.train, candidate, settings)
    curve = REPORTS / "training" / f"{name}.csv"
    curve.parent.mkdir(parents=True, exist_ok=True)
    with curve.open("w", encoding="utf-8", newline="") as file, live_run() as log:
        writer = csv.writer(file)
        writer.writerow(["step", "comparisons", "loss", "seconds", "tokens"])

        def on_step(step: finetuning.Step) -> None:
            writer.writerow(
                [step.step, step.comparisons, f"{step.loss:.4f}", f"{step.seconds:.2f}", step.tokens]
            )
            log(step.step, {"loss": step.loss, "comparisons_per_second": step.comparisons / step.seconds})

        def fresh() -> LanguageModel:
            return _start(candidate, plan, settings.seed)[0]

        if not _is_closed_form(candidate):
            plan = choose_epochs(plan, fresh, split, candidate, params, log)
        model, adapted = _start(candidate, plan, settings.seed)
        _learn(model, split, plan, candidate, params, on_step)
    adapters.save(adapted, model.head, ADAPTERS / name, base_facts(base_of(candidate))["id"])
    write_json(ADAPTERS / name / TRAINING_FILE, plan.training.to_json())


def _start(candidate: CandidateParams, plan: Plan, seed: int) -> tuple[LanguageModel, nn.Module]:
    """Loads the base and adds what is to be trained: a fresh adapter, or the champion's."""
    model = base_models.load_on_best_device(base_of(candidate))
    if plan.training.started_from:
        return model, adapters.resume(model, candidate, START)
    return model, adapters.attach(model.network, candidate, seed)


def _learn(
    model: LanguageModel,
    split: comparison_files.SplitFiles,
    plan: Plan,
    candidate: CandidateParams,
    params: Params,
    on_step: finetuning.Report,
) -> None:
    """Trains the model's weights and head, fits a head in closed form, or does one after the other."""
    tokens = model.dish_tokens(split.dishes, params.prompt.dish_fields)
    if plan.epochs and not _is_closed_form(candidate):
        finetuning.fit(model, tokens, plan, split.ratings, candidate, params.train.seed, on_step)
    if candidate.factors is None:
        return
    started, unit = time.monotonic(), unit_of(params.split)
    states = stored_states(model, base_of(candidate)) if _is_closed_form(candidate) else None
    fitted = give_text_factors(model, tokens, split.train, split.may_know, candidate.factors, unit, states)
    seconds = time.monotonic() - started
    logger.info("fitted in %.0f s: loss %.3f on folds of the training period", seconds, fitted.loss)
    if model.head:
        logger.info("reads %r up to layer %d (0: the last)", *astuple(model.head.reading))
    if _is_closed_form(candidate):
        on_step(finetuning.Step(1, len(split.train), fitted.loss, seconds, 0))


def _is_closed_form(candidate: CandidateParams) -> bool:
    return candidate.factors is not None and candidate.method == "none"


def _plan(train: Comparisons, candidate: CandidateParams, settings: TrainParams) -> Plan:
    """Plans a training from models/start if its adapter is of this very candidate, otherwise from scratch."""
    if _is_closed_form(candidate):
        return of_everything(train, candidate)
    if candidate.factors:  # the head that was trained is gone, so no later training can go on from it
        return from_scratch(train, candidate, settings.seed)
    start = read_json(START / "start.json")
    training = Training.from_json(read_json(START / TRAINING_FILE)) if start["version"] else None
    if training is None or training.settings != candidate.model_dump(mode="json"):
        why = start["why"] or "the champion is not of this candidate, or of other settings"
        logger.info("from scratch: %s", why)
        return from_scratch(train, candidate, settings.seed)
    plan = from_start(train, candidate, settings, training, start["version"])
    new, budget = plan.training.new, candidate.comparisons
    if not plan.epochs:
        logger.info(
            "champion %s is kept: fewer than %d new comparisons",
            start["version"],
            settings.incremental.min_new,
        )
    elif len(plan.comparisons) > budget:
        logger.info("from scratch: %d new comparisons and a replay are more than %d", new, budget)
        return from_scratch(train, candidate, settings.seed)
    else:
        replayed = plan.training.replayed
        logger.info("from champion %s: %d new comparisons, %d replayed", start["version"], new, replayed)
    return plan
