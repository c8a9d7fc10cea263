"""AdamW with a schedule of rates, on weights that may have few bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class Optimizer:
    """AdamW on float32 copies of the weights, since a late small step would round to nothing in bfloat16.

    The learning rate rises linearly over `warmup_share` of the steps, then falls linearly to zero.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], steps: int, warmup_share: float) -> None:
        """Copies the weights.

        Args:
            groups: AdamW's groups of parameters with their rates; empty if nothing is trained.
            steps: Number of steps until the rate is zero.
            warmup_share: Share of the steps with a rising rate.
        """
        self.weights = [weight for group in groups for weight in group["params"]]
        self.masters = [weight.detach().float().clone().requires_grad_() for weight in self.weights]
        masters = iter(self.masters)
        copies = [{**group, "params": [next(masters) for _ in group["params"]]} for group in groups]
        self.adam = torch.optim.AdamW(copies) if self.weights else None
        self.schedule = _schedule(self.adam, steps, warmup_share) if self.adam else None

    def step(self) -> None:
        """Takes one step along the gradients of the weights, and clears the gradients."""
        if self.adam is None or self.schedule is None:
            return
        for weight, master in zip(self.weights, self.masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.adam.step()
        self.adam.zero_grad()
        self.schedule.step()
        for weight, master in zip(self.weights, self.masters, strict=True):
            weight.data.copy_(master.data)


def _schedule(
    optimizer: torch.optim.Optimizer, steps: int, warmup_share: float
) -> torch.optim.lr_scheduler.LambdaLR:
    warmup = max(1, int(steps * warmup_share))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup), 1.0)
    )
