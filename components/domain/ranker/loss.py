"""The loss of a training, as a pure tensor function.

Shapes: O dishes on offer of a batch, one comparison after the other, C comparisons.
"""

from __future__ import annotations

import torch
from torch import Tensor


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
