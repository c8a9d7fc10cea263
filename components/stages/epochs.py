"""How many epochs a training takes: as many as rank a fold of the training period best that it never read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import numpy as np
import torch

from components.domain.params import Params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.folds import folds_of, unit_of
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import Plan
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.loss import listwise_loss
from components.domain.training_params import CandidateParams
from components.integrations import finetuning, scoring
from components.integrations.comparison_files import SplitFiles

logger = logging.getLogger(__name__)
FOLDS = 5  # one of which is held back
MAX_HELD_BACK = 2000  # comparisons of it that each epoch is judged by
Log = Callable[[int, Mapping[str, float]], None]


def no_log(_epoch: int, _values: Mapping[str, float]) -> None:
    """Ignores the values of an epoch; the default where nobody looks at them."""


def choose_epochs(
    plan: Plan,
    fresh: Callable[[], LanguageModel],
    split: SplitFiles,
    candidate: CandidateParams,
    params: Params,
    log: Log = no_log,
) -> Plan:
    """Chooses the number of epochs after which the loss on a held back fold is lowest.

    The fold holds back what is new in the test: days, people or dishes. The returned plan then trains on
    everything for that number of epochs. A plan that goes on from an adapter keeps its number, since that
    adapter has read the fold.

    Args:
        plan: What the training reads, and the most epochs that it may take.
        fresh: Builds the model as it is before training, each time anew.
        log: Called after each epoch with its number and `held_back_loss`.
    """
    fold = next(folds_of(plan.comparisons, split.may_know, unit_of(params.split), FOLDS), None)
    if plan.epochs < 2 or plan.training.started_from or fold is None:
        return plan
    model, held_back = fresh(), fold.some(MAX_HELD_BACK).new
    tokens = model.dish_tokens(split.dishes, params.prompt.dish_fields)
    losses: list[float] = []

    def after_epoch() -> None:
        losses.append(mean_loss(scoring.score(model, tokens, held_back), held_back))
        log(len(losses), {"held_back_loss": losses[-1]})

    part = Plan(fold.train, plan.training)
    finetuning.fit(
        model, tokens, part, split.ratings, candidate, params.train.seed, lambda _step: None, after_epoch
    )
    best = int(np.argmin(losses)) + 1
    logger.info("%d of %d epochs: loss %.3f on held back comparisons", best, len(losses), min(losses))
    return plan.with_epochs(best)


def mean_loss(scores: Floats, comparisons: Comparisons) -> float:
    """Computes the softmax cross-entropy of the preferred dish from (O,) scores, in nats a comparison."""
    owner, chosen = torch.from_numpy(comparisons.owner), torch.from_numpy(comparisons.chosen_at)
    return float(listwise_loss(torch.from_numpy(scores), owner, chosen).mean())
