"""torch: the training loop. It sees batches and parameters, not where either came from."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.errors import StageFailed
from components.domain.params import CandidateParams, TrainParams, VectorParams
from components.domain.preferences.strengths import known_opinions, rating_spread
from components.domain.preferences.tables import Comparisons
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import Head, batch_of, dish_vectors, start_head, vector_scores
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import Targets, objective_loss, packed_scores, targets_of
from components.domain.ranker.packing import PackedQuestions, pack
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


@dataclass(frozen=True)
class _Batch:
    """What one step learns from.

    Attributes:
        scores: Gives (O,) scores under the present weights.
        targets: What the scores are trained towards.
        comparisons: Number of comparisons in it.
        tokens: Number of tokens, without padding, that the language model reads for it.
    """

    scores: Callable[[], Tensor]
    targets: Targets
    comparisons: int
    tokens: int


def fit(
    model: LanguageModel,
    tokens: DishTokens,
    train: Comparisons,
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
        candidate: How the weights and the head are trained.
        settings: Section `train`.
        epochs: Passes over the comparisons.
        on_step: Called after every optimizer step.
    """
    if candidate.vectors is None:
        batches = _packed_batches(model, tokens, train, settings)
        _fit(model, batches, candidate, epochs, [], on_step)
        return
    batches = _vector_batches(model, tokens, train, candidate, candidate.vectors)
    if model.head is None:
        raise ValueError("a training of dish vectors gives the model a head")
    with _trainable(model.head):
        _fit(model, batches, candidate, epochs, _groups(model.head, candidate.vectors), on_step)


def _packed_batches(
    model: LanguageModel, tokens: DishTokens, train: Comparisons, settings: TrainParams
) -> list[_Batch]:
    """Batches that read dishes in context, to be answered yes or no."""

    def batch(sequences: Sequence[PackedQuestions]) -> _Batch:
        part = train.take(np.concatenate([packed.questions for packed in sequences]))
        return _Batch(
            lambda: packed_scores(model.decoder, model.direction, sequences),
            _on(targets_of(part), model.device),
            len(part),
            sum(packed.size for packed in sequences),
        )

    sequences, count = pack(train, tokens, settings.sequence_tokens), settings.sequences_per_step
    return [batch(sequences[start : start + count]) for start in range(0, len(sequences), count)]


def _vector_batches(
    model: LanguageModel,
    tokens: DishTokens,
    train: Comparisons,
    candidate: CandidateParams,
    vectors: VectorParams,
) -> list[_Batch]:
    """Batches that read each distinct dish once, through the tuned layers only.

    A model without a head gets one; a head that is there keeps its spread of ratings.
    """
    spread = float(model.head.spread) if model.head else rating_spread(known_opinions(train))
    lines = {dish: tokens.alone(dish) for dish in batch_of(train, spread).dishes}
    tuned = any(weight.requires_grad for weight in model.network.parameters())
    first = candidate.layers[0] if tuned else len(model.decoder.layers)  # nothing above a frozen base changes
    lower = dict(zip(lines, encoding.lower_states(model, list(lines.values()), first), strict=True))
    if model.head is None:
        with torch.no_grad():
            untuned = encoding.upper_states(model, list(lower.values()), first)
        model.head = start_head(untuned, vectors.size, spread)
    head, model.vectors = model.head, {}

    def batch(part: Comparisons) -> _Batch:
        questions = batch_of(part, spread)

        def scores() -> Tensor:
            hidden = encoding.upper_states(model, [lower[dish] for dish in questions.dishes], first)
            return vector_scores(dish_vectors(hidden, head), questions, head)

        size = sum(len(lines[dish]) for dish in questions.dishes)
        return _Batch(scores, _on(targets_of(part), model.device), len(part), size)

    numbers, size = np.arange(len(train)), vectors.comparisons_per_step
    return [batch(train.take(numbers[start : start + size])) for start in range(0, len(train), size)]


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


def _on(targets: Targets, device: torch.device) -> Targets:
    return Targets(targets.comparison_of.to(device), targets.chosen.to(device), targets.verdicts.to(device))


def _fit(
    model: LanguageModel,
    batches: Sequence[_Batch],
    candidate: CandidateParams,
    epochs: int,
    head: Sequence[dict[str, Any]],
    on_step: Report,
) -> None:
    """Passes `epochs` times over the batches with AdamW; `head` are groups beside the weights.

    The optimizer works on float32 copies, since a late small step would round to nothing in bfloat16. The
    rate rises linearly over `warmup_share` of the steps and falls linearly to zero.
    """
    if candidate.objective == "dpo":
        with torch.no_grad():  # the reference is the model before training: the untuned base, or the champion
            batches = [_with_reference(batch) for batch in batches]
    weights = [weight for weight in model.network.parameters() if weight.requires_grad]
    masters = [weight.detach().float().clone().requires_grad_() for weight in weights]
    groups = [{"params": masters, "lr": candidate.learning_rate, "weight_decay": 0.0}, *head]
    optimizer = torch.optim.AdamW(groups)
    trained = [weight for group in groups for weight in group["params"]]
    schedule = _schedule(optimizer, len(batches) * epochs, candidate.warmup_share)
    model.network.train()
    started, comparisons, tokens = time.monotonic(), 0, 0
    steps = tqdm(list(batches) * epochs, desc="train", unit="step", disable=None)
    with _deterministic(model.device), steps as bar:
        for index, batch in enumerate(bar, 1):
            loss = objective_loss(candidate.objective, batch.scores(), batch.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            value = float(loss.detach())
            if not math.isfinite(value):
                raise StageFailed(
                    f"the training's loss became {value} at step {index}: lower the rates of the candidate "
                    f"(learning_rate is {candidate.learning_rate:g}), also that of its vectors."
                )
            _take_gradients(weights, masters)
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            for weight, master in zip(weights, masters, strict=True):
                weight.data.copy_(master.data)
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


def _with_reference(batch: _Batch) -> _Batch:
    return replace(batch, targets=replace(batch.targets, reference=batch.scores()))


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


def _take_gradients(weights: Iterable[Tensor], masters: Iterable[Tensor]) -> None:
    for weight, master in zip(weights, masters, strict=True):
        master.grad = None if weight.grad is None else weight.grad.float()
        weight.grad = None
