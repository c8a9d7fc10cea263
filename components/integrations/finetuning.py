"""torch: the training loop. It sees batches and parameters, not where either came from."""

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
from components.domain.params import CandidateParams, TrainParams, VectorParams
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.batches import Batch, packed_batches, vector_batches
from components.domain.ranker.dish_vectors import Head
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import objective_loss
from components.domain.ranker.prompts import DishTokens

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
    train: Comparisons,
    ratings: RatingScale,
    candidate: CandidateParams,
    settings: TrainParams,
    epochs: int,
    on_step: Report,
) -> None:
    """Trains the model's trainable weights, and the candidate's head of dish vectors if it has one.

    Args:
        model: With a fresh adapter, with an adapter and a head to go on from, or frozen.
        tokens: Covers all dishes of the comparisons and their histories.
        train: In the order of training.
        ratings: How ratings become strengths; a head that is there keeps its scale.
        candidate: How the weights and the head are trained.
        settings: Section `train`.
        epochs: Passes over the comparisons.
        on_step: Called after every optimizer step.
    """
    if candidate.vectors is None:
        batches = packed_batches(model, tokens, train, settings)
        _fit(model, batches, candidate, epochs, settings.seed, [], on_step)
        return
    batches = vector_batches(model, tokens, train, ratings, candidate, candidate.vectors)
    if not isinstance(model.head, Head):
        raise TypeError("a training of dish vectors gives the model a head")
    with _trainable(model.head):
        head = _groups(model.head, candidate.vectors)
        _fit(model, batches, candidate, epochs, settings.seed, head, on_step)


@contextlib.contextmanager
def _trainable(head: Head) -> Iterator[None]:
    for tensor in head.trained:
        tensor.requires_grad = True
    yield
    for tensor in head.trained:
        tensor.requires_grad = False


def _groups(head: Head, vectors: VectorParams) -> list[dict[str, Any]]:
    projection, *rest = head.trained
    rate = vectors.learning_rate
    return [
        {"params": [projection], "lr": rate * PROJECTION_RATE, "weight_decay": 0.0},
        {"params": rest, "lr": rate, "weight_decay": vectors.weight_decay},
    ]


class _Optimizer:
    """AdamW on float32 copies of the weights, since a late small step would round to nothing in bfloat16.

    The rate rises linearly over `warmup_share` of the steps and falls linearly to zero.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        head: Sequence[dict[str, Any]],
        candidate: CandidateParams,
        steps: int,
    ) -> None:
        """Copies the weights.

        Args:
            weights: Trainable weights of the language model.
            head: Groups of parameters beside them, with their own rates.
            candidate: Rate of the weights and share of warm-up.
            steps: Number of steps until the rate is zero.
        """
        self.weights = weights
        self.masters = [weight.detach().float().clone().requires_grad_() for weight in weights]
        groups = [{"params": self.masters, "lr": candidate.learning_rate, "weight_decay": 0.0}, *head]
        self.trained = [weight for group in groups for weight in group["params"]]
        self.adam = torch.optim.AdamW(groups)
        self.schedule = _schedule(self.adam, steps, candidate.warmup_share)

    def step(self) -> None:
        """One step along the gradients of the weights, which are zero afterwards."""
        for weight, master in zip(self.weights, self.masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.adam.step()
        self.adam.zero_grad()
        self.schedule.step()
        for weight, master in zip(self.weights, self.masters, strict=True):
            weight.data.copy_(master.data)


def _in_epochs(batches: Sequence[Batch], epochs: int, seed: int) -> list[list[Batch]]:
    """The batches of each epoch, in another order each time."""
    draw = np.random.default_rng(seed)
    return [[batches[number] for number in draw.permutation(len(batches))] for _ in range(epochs)]


def _fit(
    model: LanguageModel,
    batches: Sequence[Batch],
    candidate: CandidateParams,
    epochs: int,
    seed: int,
    head: Sequence[dict[str, Any]],
    on_step: Report,
) -> None:
    """One step for each batch of each epoch; `head` are groups of parameters beside the model's weights."""
    if candidate.objective == "dpo":
        with torch.no_grad():  # the reference is the model before training: the untuned base, or the champion
            batches = [batch.with_reference() for batch in batches]
    weights = [weight for weight in model.network.parameters() if weight.requires_grad]
    order = [batch for epoch in _in_epochs(batches, epochs, seed) for batch in epoch]
    optimizer = _Optimizer(weights, head, candidate, len(order))
    model.network.train()
    started, comparisons, tokens = time.monotonic(), 0, 0
    steps = tqdm(order, desc="train", unit="step", disable=None)
    with _deterministic(model.device), steps as bar:
        for index, batch in enumerate(bar, 1):
            loss = objective_loss(candidate.objective, batch.scores(), batch.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            value = float(loss.detach())
            if not math.isfinite(value):
                raise StageFailed(_diverged(value, index, candidate))
            optimizer.step()
            comparisons += batch.comparisons
            tokens += batch.tokens
            bar.set_postfix(loss=f"{value:.3f}")
            on_step(Step(index, comparisons, value, time.monotonic() - started, tokens))
    model.network.eval()
    seconds = time.monotonic() - started
    logger.info(
        "trained on %d comparisons, %d tokens, in %.0f s: %.2f comparisons/s, %.0f tokens/s",
        comparisons, tokens, seconds, comparisons / seconds, tokens / seconds,
    )  # fmt: skip


def _diverged(loss: float, step: int, candidate: CandidateParams) -> str:
    return (
        f"the training's loss became {loss} at step {step}: lower the rates of the candidate "
        f"(learning_rate is {candidate.learning_rate:g}), also that of its vectors."
    )


@contextlib.contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """Fixes the order in which gradients of gathered rows are added; 3 % slower (measured)."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True, warn_only=device.type != "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)


def _schedule(
    optimizer: torch.optim.Optimizer, steps: int, warmup_share: float
) -> torch.optim.lr_scheduler.LambdaLR:
    warmup = max(1, int(steps * warmup_share))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup), 1.0)
    )
