"""The loss is the textbook's, whatever the sizes of the comparisons."""

from __future__ import annotations

import pytest
import torch

from components.domain.ranker.loss import listwise_loss


def test_listwise_loss_is_cross_entropy_of_each_comparison() -> None:
    sets = [torch.randn(size) * 5 for size in (2, 6, 3)]
    scores = torch.cat(sets)
    owner = torch.tensor([0] * 2 + [1] * 6 + [2] * 3)
    losses = listwise_loss(scores, owner, torch.tensor([1, 2, 10]))
    expected = [
        torch.nn.functional.cross_entropy(dishes, torch.tensor(at))
        for dishes, at in zip(sets, (1, 0, 2), strict=True)
    ]
    assert losses.tolist() == pytest.approx([float(each) for each in expected], abs=1e-5)


def test_gradient_pushes_the_chosen_up_and_the_others_down() -> None:
    scores = torch.tensor([900.0, 901.0, 899.0], requires_grad=True)  # large: must not overflow
    listwise_loss(scores, torch.zeros(3, dtype=torch.long), torch.tensor([0])).sum().backward()
    assert scores.grad is not None
    assert scores.grad[0] < 0 < scores.grad[1]
    assert float(scores.grad.sum()) == pytest.approx(0, abs=1e-6)
