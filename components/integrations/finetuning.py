"""torch: the training loop. It works on batches and parameters, and does not know where they came from."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.errors import StageFailed
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.training_plan import Plan
from components.domain.ranker.batches import Batch, Batches, vector_batches
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.loss import listwise_loss
from components.domain.ranker.optimizer import Optimizer
from components.domain.ranker.prompts import DishTokens
from components.domain.ranker.vector_memory import remember
from components.domain.training_params import CandidateParams, VectorParams

logger = logging.getLogger(__name__)
PROJECTION_RATE = 0.1  # of the head's rate
Report = Callable[["Step"], None]


@dataclass(frozen=True)
class Step:
    """One optimizer step: mean loss in nats a comparison, and totals since the start."""

    step: int
    comparisons: int
    loss: float
    seconds: float
    tokens: int


def fit(
    model: LanguageModel,
    tokens: DishTokens,
    plan: Plan,
    ratings: RatingScale,
    candidate: CandidateParams,
    seed: int,
    on_step: Report,
    after_epoch: Callable[[], None] | None = None,
) -> None:
    """Trains the model's trainable weights and its head of dish vectors.

    Args:
        model: Model with a fresh adapter, with an adapter and a head to go on from, or frozen.
        tokens: Tokens of all dishes of the comparisons and their histories.
        plan: What is read, and how often. If it starts from an adapter, steps times rates are proportional
            to what is read: a small batch makes a small step.
        ratings: The scale that turns ratings into strengths; an existing head keeps its own.
        candidate: How the weights and the head are trained; it has a section `vectors`.
        seed: Seed of the order of batches.
        on_step: Called after every optimizer step.
        after_epoch: Called after every epoch, when the model is ready to score.
    """
    if candidate.vectors is None:
        raise TypeError("only a candidate with vectors is trained")
    batches = vector_batches(model, tokens, plan.comparisons, ratings, candidate, candidate.vectors)
    pace = batches.fullness if plan.training.started_from else 1.0
    log = _Log(candidate, plan.epochs * len(batches.batches), on_step)
    with _trainable(batches.head.trained), _deterministic(model.device), log.bar:
        optimizers = _optimizers(model, candidate, candidate.vectors, batches, plan.epochs, pace)
        for epoch in _in_epochs(batches.batches, plan.epochs, seed):
            model.network.train()
            _pass(batches, epoch, optimizers, log)
            model.network.eval()
            model.vectors.clear()
            if after_epoch:
                _remember(model, batches)
                after_epoch()
    log.end()


def _remember(model: LanguageModel, batches: Batches) -> None:
    """Computes the vectors of the training's dishes by the tuned layers alone; the model keeps them."""
    with torch.no_grad():
        states = batches.fresh_states()
        remember(model, batches.lines, batches.head.vectors(states, batches.lines))


@contextlib.contextmanager
def _trainable(tensors: Sequence[Tensor]) -> Iterator[None]:
    for tensor in tensors:
        tensor.requires_grad = True
    yield
    for tensor in tensors:
        tensor.requires_grad = False


def _optimizers(
    model: LanguageModel,
    candidate: CandidateParams,
    vectors: VectorParams,
    batches: Batches,
    epochs: int,
    pace: float,
) -> tuple[Optimizer, Optimizer]:
    """Builds two optimizers: of the language model's weights, and of the head."""
    weights = [weight for weight in model.network.parameters() if weight.requires_grad]
    groups = [{"params": weights, "lr": pace * candidate.learning_rate, "weight_decay": 0.0}]
    projection, *rest = batches.head.trained
    rate = pace * vectors.learning_rate
    of_head: list[dict[str, Any]] = [
        {"params": [projection], "lr": rate * PROJECTION_RATE, "weight_decay": 0.0},
        {"params": rest, "lr": rate, "weight_decay": vectors.weight_decay},
    ]
    warmup = candidate.warmup_share
    return (
        Optimizer(groups if weights else [], epochs * batches.steps, warmup),
        Optimizer(of_head, epochs * len(batches.batches), warmup),
    )


def _in_epochs(batches: Sequence[Batch], epochs: int, seed: int) -> list[list[Batch]]:
    """Shuffles the batches anew for each epoch."""
    draw = np.random.default_rng(seed)
    return [[batches[number] for number in draw.permutation(len(batches))] for _ in range(epochs)]


def _pass(
    batches: Batches,
    epoch: Sequence[Batch],
    optimizers: tuple[Optimizer, Optimizer],
    log: _Log,
) -> None:
    """Takes one step of the head for each batch, and `batches.steps` steps of the language model."""
    of_model, of_head = optimizers
    for part in np.array_split(np.arange(len(epoch)), batches.steps):
        states, log.tokens = batches.states(), log.tokens + batches.tokens
        shared = states.detach().requires_grad_(states.requires_grad)
        for number in part:
            _learn(epoch[number], shared, log)
            of_head.step()
        if shared.grad is not None:
            states.backward(shared.grad / len(part))  # type: ignore[no-untyped-call]
        of_model.step()


def _learn(batch: Batch, states: Tensor, log: _Log) -> None:
    """Computes one batch's loss and leaves its gradients on the trained weights."""
    loss = listwise_loss(batch.scores(states), batch.comparison_of, batch.chosen).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    log.step(batch, float(loss.detach()))


class _Log:
    """Shows the progress of a training: a line on the terminal, and a report of each step."""

    def __init__(self, candidate: CandidateParams, steps: int, on_step: Report) -> None:
        self.candidate, self.on_step = candidate, on_step
        self.bar = tqdm(total=steps, desc="train", unit="step", disable=None)
        self.started, self.steps, self.comparisons, self.tokens = time.monotonic(), 0, 0, 0

    def step(self, batch: Batch, loss: float) -> None:
        """Adds a batch to the totals and reports it; ends the training if its loss is NaN or infinite."""
        self.steps += 1
        if not math.isfinite(loss):
            raise StageFailed(_diverged(loss, self.steps, self.candidate))
        self.comparisons += len(batch.chosen)
        self.bar.update()
        self.bar.set_postfix(loss=f"{loss:.3f}")
        seconds = time.monotonic() - self.started
        self.on_step(Step(self.steps, self.comparisons, loss, seconds, self.tokens))

    def end(self) -> None:
        """Logs how fast the training was."""
        seconds = time.monotonic() - self.started
        logger.info(
            "read %d comparisons, all epochs together, %d tokens, in %.0f s: %.2f and %.0f a second",
            self.comparisons, self.tokens, seconds, self.comparisons / seconds, self.tokens / seconds,
        )  # fmt: skip


def _diverged(loss: float, step: int, candidate: CandidateParams) -> str:
    return (
        f"the training's loss became {loss} at step {step}: lower the rates of the candidate "
        f"(learning_rate is {candidate.learning_rate:g}), also that of its vectors."
    )


@contextlib.contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """Fixes the order in which gradients of gathered rows are added within the block.

    This makes training 3 % slower (measured).
    """
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True, warn_only=device.type != "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)
