"""Scores and losses as pure tensor functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from components.domain.packing import Row


def dish_scores(hidden: Tensor, answer_at: Tensor, direction: Tensor) -> Tensor:
    """logit(yes) - logit(no) at each dish's answer position, without computing any other logit.

    Args:
        hidden: (rows, length, width) last hidden states of the decoder.
        answer_at: (dishes,) index of each answer token into the flattened (rows * length) positions.
        direction: (width,) output embedding of the "yes" token minus that of the "no" token.

    Returns:
        (dishes,) float32 scores.
    """
    at_answers = hidden.flatten(0, 1).index_select(0, answer_at)
    return (at_answers.float() * direction.float()).sum(-1)


def listwise_loss(scores: Tensor, comparison_of: Tensor, chosen: Tensor) -> Tensor:
    """Softmax cross-entropy of the chosen dish within each comparison: -log(exp(s_chosen) / sum exp(s)).

    Args:
        scores: (dishes,) scores.
        comparison_of: (dishes,) which comparison each dish belongs to, 0 to comparisons - 1.
        chosen: (comparisons,) index into `scores` of each comparison's chosen dish.

    Returns:
        (comparisons,) losses in nats. A set of two is the Bradley-Terry pair loss.
    """
    count = int(chosen.shape[0])
    highest = torch.full((count,), -torch.inf, dtype=scores.dtype, device=scores.device)
    highest = highest.scatter_reduce(0, comparison_of, scores.detach(), reduce="amax")
    shifted = (scores - highest[comparison_of]).exp()
    total = torch.zeros(count, dtype=scores.dtype, device=scores.device).scatter_add(
        0, comparison_of, shifted
    )
    return total.log() + highest - scores[chosen]


def scores_of_rows(
    decoder: Callable[..., Any], direction: Tensor, rows: Sequence[Row]
) -> tuple[Tensor, Tensor]:
    """One forward pass over packed rows.

    Args:
        decoder: Gives `.last_hidden_state` for `input_ids`, `position_ids` and a 4-D additive
            `attention_mask`.
        direction: (width,) see `dish_scores`; its device is where the pass runs.
        rows: Padded here to the longest.

    Returns:
        (dishes,) scores and (dishes,) comparison indices, counted through the rows in order.
    """
    length = max(len(row.tokens) for row in rows)
    shape = (len(rows), length)
    tokens, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    visible = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1)
    answer_at, comparison_of, comparisons = [], [], 0
    for index, row in enumerate(rows):
        size = len(row.tokens)
        tokens[index, :size] = torch.from_numpy(row.tokens)
        positions[index, :size] = torch.from_numpy(row.positions)
        visible[index, :size, :size] = torch.from_numpy(row.mask)
        answer_at.append(torch.from_numpy(row.answer_at) + index * length)
        comparison_of.append(torch.from_numpy(row.comparison_of) + comparisons)
        comparisons += len(row.comparisons)
    device, dtype = direction.device, next(decoder.parameters()).dtype  # type: ignore[attr-defined]
    mask = torch.zeros((len(rows), 1, length, length), dtype=dtype).masked_fill(
        ~visible[:, None], torch.finfo(dtype).min
    )
    hidden = decoder(
        input_ids=tokens.to(device),
        position_ids=positions.to(device),
        attention_mask=mask.to(device),
        use_cache=False,
    ).last_hidden_state
    scores = dish_scores(hidden, torch.cat(answer_at).to(device), direction)
    return scores, torch.cat(comparison_of).to(device)


def chosen_of_rows(rows: Sequence[Row]) -> Tensor:
    """(comparisons,) index of each comparison's chosen dish among all dishes of the rows."""
    chosen, dishes = [], 0
    for row in rows:
        first = np.searchsorted(row.comparison_of, np.arange(len(row.comparisons)))
        chosen += [
            dishes + int(at) + each.chosen_index for at, each in zip(first, row.comparisons, strict=True)
        ]
        dishes += len(row.comparison_of)
    return torch.tensor(chosen)
