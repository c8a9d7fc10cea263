"""Scores and losses as pure tensor functions.

Shapes: O dishes on offer of a batch, one comparison after the other, C comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from components.domain.preferences.tables import Comparisons
from components.domain.ranker.encoding import packed_states
from components.domain.ranker.packing import PackedQuestions
from components.domain.records import DISLIKED, LIKED, NEUTRAL

DPO_BETA = 1.0


def listwise_loss(scores: Tensor, comparison_of: Tensor, chosen: Tensor) -> Tensor:
    """Computes the softmax cross-entropy of each comparison's chosen dish: -log(exp(s_chosen) / sum exp(s)).

    Args:
        scores: (O,) scores.
        comparison_of: (O,) number of the comparison that each dish belongs to, 0 to C - 1.
        chosen: (C,) index into `scores` of each comparison's chosen dish.

    Returns:
        (C,) losses in nats. For two dishes this is the Bradley-Terry pair loss.
    """
    count = int(chosen.shape[0])
    highest = torch.full((count,), -torch.inf, dtype=scores.dtype, device=scores.device)
    highest = highest.scatter_reduce(0, comparison_of, scores.detach(), reduce="amax")
    shifted = (scores - highest[comparison_of]).exp()
    total = torch.zeros(count, dtype=scores.dtype, device=scores.device).scatter_add(
        0, comparison_of, shifted
    )
    return total.log() + highest - scores[chosen]


def anchored_pair_loss(
    scores: Tensor, reference: Tensor, comparison_of: Tensor, chosen: Tensor, beta: float
) -> Tensor:
    """Computes the pairwise DPO loss of the chosen dish c and each other dish o of its comparison.

    The loss is -log sigmoid(beta ((s_c - s_o) - (r_c - r_o))), after Rafailov et al. 2023, with a dish's
    score in the place of a completion's log-likelihood.

    Args:
        scores: (O,) scores s.
        reference: (O,) scores r of the untuned base.
        comparison_of: (O,) number of the comparison that each dish belongs to.
        chosen: (C,) index into `scores` of each comparison's chosen dish.
        beta: How much a step away from the reference counts. A larger value keeps the tuned model nearer to
            it.

    Returns:
        (pairs,) losses in nats, one for each dish that was not chosen.
    """
    moved = scores - reference
    is_chosen = torch.zeros_like(comparison_of, dtype=torch.bool)
    is_chosen[chosen] = True
    margin = moved[chosen][comparison_of] - moved
    return -logsigmoid(beta * margin[~is_chosen])


def pointwise_loss(scores: Tensor, verdicts: Tensor) -> Tensor:
    """Computes the binary cross-entropy of each dish alone, liked or disliked; neutral verdicts are left out.

    Args:
        scores: (O,) logits.
        verdicts: (O,) LIKED, NEUTRAL or DISLIKED.

    Returns:
        (O without neutral dishes,) losses in nats.
    """
    stated = verdicts != NEUTRAL
    return binary_cross_entropy_with_logits(
        scores[stated], (verdicts[stated] == LIKED).to(scores.dtype), reduction="none"
    )


@dataclass(frozen=True)
class Targets:
    """What the losses must know about a batch's dishes; see their arguments."""

    comparison_of: Tensor
    chosen: Tensor
    verdicts: Tensor
    reference: Tensor | None = None


def targets_of(comparisons: Comparisons) -> Targets:
    """Builds the targets of the dishes on offer, in the order of `comparisons.offered`."""
    return Targets(
        torch.from_numpy(comparisons.owner),
        torch.from_numpy(comparisons.chosen_at),
        torch.full((len(comparisons.offered),), DISLIKED).index_fill(
            0, torch.from_numpy(comparisons.chosen_at), LIKED
        ),
    )


def objective_loss(objective: str, scores: Tensor, targets: Targets) -> Tensor:
    """Computes the batch's mean loss under `train.candidates.*.objective`."""
    if objective == "pointwise":
        losses = pointwise_loss(scores, targets.verdicts)
        return losses.sum() / max(1, len(losses))  # a batch may be neutral throughout
    if objective == "dpo":
        if targets.reference is None:
            raise ValueError("DPO needs the untuned base's scores as a reference")
        pairs = scores, targets.reference, targets.comparison_of, targets.chosen
        return anchored_pair_loss(*pairs, DPO_BETA).mean()
    return listwise_loss(scores, targets.comparison_of, targets.chosen).mean()


def packed_scores(
    decoder: Callable[..., Any], direction: Tensor, sequences: Sequence[PackedQuestions]
) -> Tensor:
    """Computes logit(yes) - logit(no) of each dish of packed sequences, (O,), without any other logit.

    Args:
        decoder: See `encoding.packed_states`.
        direction: (width,) output embedding of the "yes" token minus that of the "no" token. The pass runs on
            its device.
        sequences: Sequences, which are padded to the longest.
    """
    states = packed_states(decoder, sequences, direction.device)
    return (states.float() * direction.float()).sum(-1)
