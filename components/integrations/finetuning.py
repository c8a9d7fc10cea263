"""torch: the training loop. It sees packed rows and parameters, not where either came from."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.language_model import LanguageModel
from components.domain.objective import chosen_of_rows, listwise_loss, scores_of_rows
from components.domain.packing import Row
from components.domain.params import CandidateParams
from components.domain.records import Comparison

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One optimizer step: mean loss in nats a comparison, and totals since the start."""

    step: int
    comparisons: int
    loss: float
    seconds: float
    tokens: int


def sample(train: Sequence[Comparison], budget: int, seed: int) -> list[Comparison]:
    """Whole people in random order until `budget` comparisons are reached (or all there are)."""
    by_person: dict[str, list[Comparison]] = {}
    for each in train:
        by_person.setdefault(each.person_id, []).append(each)
    people = sorted(by_person)
    random.Random(seed).shuffle(people)
    taken: list[Comparison] = []
    for person in people:
        if len(taken) >= budget:
            break
        taken += by_person[person]
    return taken


def fit(
    model: LanguageModel,
    rows: Sequence[Row],
    candidate: CandidateParams,
    rows_per_step: int,
    on_step: Callable[[Step], None],
) -> None:
    """Trains the model's trainable parameters in place: one pass over the rows, listwise loss, AdamW.

    The optimizer works on float32 copies, since a late small step would round to nothing in bfloat16. The
    rate rises linearly over `warmup_share` of the steps and falls linearly to zero.
    """
    weights = [weight for weight in model.network.parameters() if weight.requires_grad]
    masters = [weight.detach().float().clone().requires_grad_() for weight in weights]
    optimizer = torch.optim.AdamW(masters, lr=candidate.learning_rate, weight_decay=0.0)
    batches = [rows[start : start + rows_per_step] for start in range(0, len(rows), rows_per_step)]
    warmup = max(1, int(len(batches) * candidate.warmup_share))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, (len(batches) - step) / max(1, len(batches) - warmup), 1.0),
    )
    model.network.train()
    started, comparisons, tokens = time.monotonic(), 0, 0
    with tqdm(batches, desc="train", unit="step", disable=None) as bar:
        for index, batch in enumerate(bar, 1):
            loss = _step(model, batch, weights, masters)
            optimizer.step()
            schedule.step()
            for weight, master in zip(weights, masters, strict=True):
                weight.data.copy_(master.data)
            comparisons += sum(len(row.comparisons) for row in batch)
            tokens += sum(row.real for row in batch)
            bar.set_postfix(loss=f"{loss:.3f}")
            on_step(Step(index, comparisons, loss, time.monotonic() - started, tokens))
    model.network.eval()
    seconds = time.monotonic() - started
    logger.info(
        "trained on %d comparisons, %d tokens, in %.0f s: %.2f comparisons/s, %.0f tokens/s",
        comparisons, tokens, seconds, comparisons / seconds, tokens / seconds,
    )  # fmt: skip


def _step(
    model: LanguageModel, batch: Sequence[Row], weights: Iterable[Tensor], masters: Iterable[Tensor]
) -> float:
    scores, comparison_of = scores_of_rows(model.decoder, model.direction, batch)
    loss = listwise_loss(scores, comparison_of, chosen_of_rows(batch).to(scores.device)).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    for weight, master in zip(weights, masters, strict=True):
        master.grad = None if weight.grad is None else weight.grad.float()
        weight.grad = None
    torch.nn.utils.clip_grad_norm_(list(masters), 1.0)
    return float(loss.detach())
