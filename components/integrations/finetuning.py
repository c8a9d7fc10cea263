"""torch: the training loop. It sees batches and parameters, not where either came from."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.errors import StageFailed
from components.domain.params import CandidateParams, VectorParams
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import Head, dish_vectors, questions, start_head, vector_scores
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import Targets, chosen_of_rows, objective_loss, scores_of_rows
from components.domain.ranker.packing import Row
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Comparison

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
        scores: (dishes,) scores under the weights of the moment.
        targets: What the dishes' scores should say.
        comparisons: How many are in it.
        tokens: Real tokens that the language model reads for it.
    """

    scores: Callable[[], Tensor]
    targets: Targets
    comparisons: int
    tokens: int


def fit_answers(
    model: LanguageModel,
    rows: Sequence[Row],
    candidate: CandidateParams,
    epochs: int,
    rows_per_step: int,
    on_step: Report,
) -> None:
    """Trains the model's trainable weights to answer yes or no, `epochs` times on packed rows."""

    def batch(rows: Sequence[Row]) -> _Batch:
        comparisons = [each for row in rows for each in row.comparisons]
        verdicts = torch.tensor([verdict for each in comparisons for verdict in each.verdicts])
        owner = torch.cat([torch.from_numpy(row.comparison_of) for row in rows])
        offset = torch.repeat_interleave(
            torch.tensor([0, *(len(row.comparisons) for row in rows[:-1])]).cumsum(0),
            torch.tensor([len(row.comparison_of) for row in rows]),
        )
        targets = Targets(owner + offset, chosen_of_rows(rows), verdicts)
        return _Batch(
            lambda: scores_of_rows(model.decoder, model.direction, rows)[0],
            _on(targets, model.device),
            len(comparisons),
            sum(row.real for row in rows),
        )

    batches = [batch(rows[start : start + rows_per_step]) for start in range(0, len(rows), rows_per_step)]
    _fit(model, batches, candidate, epochs, [], on_step)


def fit_vectors(
    model: LanguageModel,
    tokens: DishTokens,
    train: Sequence[Comparison],
    candidate: CandidateParams,
    vectors: VectorParams,
    epochs: int,
    spread: float,
    on_step: Report,
) -> None:
    """Trains the model's trainable weights and its head of dish vectors; a model without one gets one here.

    Each step reads the distinct dishes of its comparisons once, through the tuned layers only.

    Args:
        model: With a fresh adapter, or with an adapter and a head to go on from.
        tokens: Covers all dishes of the comparisons and their histories.
        train: In the order of training.
        candidate: How the model's weights are trained.
        vectors: Its section `vectors`.
        epochs: Passes over the comparisons.
        spread: See `dish_vectors.Head`; a head that is there keeps its own.
        on_step: Told of every step.
    """
    spread = float(model.head.spread) if model.head else spread
    lines = {dish: tokens.alone(dish) for dish in questions(train, spread).dishes}
    tuned = any(weight.requires_grad for weight in model.network.parameters())
    first = candidate.layers[0] if tuned else len(model.decoder.layers)  # nothing above a frozen base changes
    lower = dict(zip(lines, encoding.lower_states(model, list(lines.values()), first), strict=True))
    if model.head is None:
        with torch.no_grad():
            untuned = encoding.upper_states(model, list(lower.values()), first)
        model.head = start_head(untuned, vectors.size, spread)
    head, model.vectors = model.head, {}

    def batch(comparisons: Sequence[Comparison]) -> _Batch:
        asked = questions(comparisons, spread)
        verdicts = torch.tensor([verdict for each in comparisons for verdict in each.verdicts])

        def scores() -> Tensor:
            hidden = encoding.upper_states(model, [lower[dish] for dish in asked.dishes], first)
            return vector_scores(dish_vectors(hidden, head), asked, head)

        targets = _on(Targets(asked.comparison_of, asked.chosen, verdicts), model.device)
        return _Batch(scores, targets, len(comparisons), sum(len(lines[dish]) for dish in asked.dishes))

    size = vectors.comparisons_per_step
    batches = [batch(train[start : start + size]) for start in range(0, len(train), size)]
    with _trainable(head):
        _fit(model, batches, candidate, epochs, _groups(head, vectors), on_step)


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
        with torch.no_grad():  # what it starts from: the untuned base, or the champion
            batches = [
                replace(each, targets=replace(each.targets, reference=each.scores())) for each in batches
            ]
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
            told = float(loss.detach())
            if not math.isfinite(told):
                raise StageFailed(
                    f"the training's loss became {told} at step {index}: lower the rates of the candidate "
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
            bar.set_postfix(loss=f"{told:.3f}")
            on_step(Step(index, comparisons, told, time.monotonic() - started, tokens))
    model.network.eval()
    seconds = time.monotonic() - started
    logger.info(
        "trained on %d comparisons, %d tokens, in %.0f s: %.2f comparisons/s, %.0f tokens/s",
        comparisons, tokens, seconds, comparisons / seconds, tokens / seconds,
    )  # fmt: skip


@contextlib.contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """Else gathered rows' gradients are added in the order in which threads come; 3 % slower (measured)."""
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
