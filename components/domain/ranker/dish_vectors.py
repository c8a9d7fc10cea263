"""Dish and person vectors: the head that reads every dish once instead of every dish in every context.

A dish is one vector z, a projection of the language model's last hidden state after the dish's line. A
person is the mean of their past dishes' vectors, each times how much it was liked. A dish's score is
sum(gains * z * person) + appeal . z, a bilinear form and what the dish is worth to anyone, and attention over
the past dishes most like it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from components.domain.preferences.strengths import strengths
from components.domain.records import Comparison, Past

HEAD_FILE = "head.safetensors"  # beside the weights of an adapter or of a merged model
START_GAIN = 0.5
START_SHARPNESS = 1.5  # e^1.5 is 4.5: a like dish counts about ninety times what an opposite one does


@dataclass
class Head:
    """The head's tensors, float32.

    Attributes:
        mean: (width,) mean hidden state of the untuned base over training dishes.
        scale: () mean distance of those states from their mean.
        projection: (size, width) from centred and scaled hidden states to vectors.
        gains: (size,) weight of each dimension in the bilinear form.
        appeal: (size,) what a dimension is worth to anyone.
        sharpness: () of the attention: the logarithm of what a cosine of 1 is multiplied by.
        focus: () what the attention's answer is worth.
        spread: () standard deviation of ratings; see `collaborative.rating_spread`.
    """

    mean: Tensor
    scale: Tensor
    projection: Tensor
    gains: Tensor
    appeal: Tensor
    sharpness: Tensor
    focus: Tensor
    spread: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def trained(self) -> list[Tensor]:
        """What training changes; the projection first, whose small entries need small steps."""
        return [self.projection, self.gains, self.appeal, self.sharpness, self.focus]


def start_head(hidden: Tensor, size: int, spread: float) -> Head:
    """A head on the principal directions of the untuned base's hidden states: similar dishes attract.

    Args:
        hidden: (dishes, width) last hidden states of the training dishes.
        size: Dimensions of a vector; fewer where there are fewer dishes.
        spread: See `Head`.
    """
    hidden = hidden.float()
    mean = hidden.mean(0)
    away = hidden - mean
    scale = away.norm(dim=1).mean()
    directions = torch.linalg.svd(away, full_matrices=False).Vh[:size]
    # An SVD fixes directions up to their sign: the largest entry is made positive.
    signs = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
    count = len(directions)
    return Head(
        mean,
        scale,
        (directions * signs).contiguous(),
        torch.full((count,), START_GAIN, device=hidden.device),
        torch.zeros(count, device=hidden.device),
        torch.tensor(START_SHARPNESS, device=hidden.device),
        torch.tensor(START_GAIN, device=hidden.device),
        torch.tensor(spread, device=hidden.device),
    )


def dish_vectors(hidden: Tensor, head: Head) -> Tensor:
    """(dishes, size) vectors of (dishes, width) hidden states."""
    return (hidden.float() - head.mean) / head.scale @ head.projection.T


@dataclass(frozen=True)
class Questions:
    """Comparisons as index tensors over `dishes`; histories are padded to the longest.

    Attributes:
        dishes: Ids of all distinct dishes, past or offered.
        past: (histories, lines) dish of each line of each distinct history.
        liked: (histories, lines) strength of the line, float32; 0 after a history's end.
        real: (histories, lines) True where there is a line.
        history_of: (asked,) history of each dish asked about.
        offer: (asked,) the dish asked about.
        comparison_of: (asked,) which comparison it belongs to.
        chosen: (comparisons,) index into the asked of each comparison's preferred dish.
    """

    dishes: tuple[str, ...]
    past: Tensor
    liked: Tensor
    real: Tensor
    history_of: Tensor
    offer: Tensor
    comparison_of: Tensor
    chosen: Tensor


def questions(comparisons: Sequence[Comparison], spread: float) -> Questions:
    """The comparisons in the order given; `spread` is the head's."""
    histories = list(dict.fromkeys(each.history for each in comparisons))
    place = {history: number for number, history in enumerate(histories)}
    dishes = tuple(sorted(_named(comparisons, histories)))
    index = {dish: number for number, dish in enumerate(dishes)}
    lines = max(1, *(len(history) for history in histories)) if histories else 1
    past, liked = np.zeros((len(histories), lines), np.int64), np.zeros((len(histories), lines), np.float32)
    real = np.zeros((len(histories), lines), np.bool_)
    for row, history in enumerate(histories):
        past[row, : len(history)] = [index[each.dish_id] for each in history]
        liked[row, : len(history)] = strengths(history, spread)
        real[row, : len(history)] = True
    sizes = [len(each.dishes) for each in comparisons]
    first = np.cumsum([0, *sizes[:-1]])
    return Questions(
        dishes,
        torch.from_numpy(past),
        torch.from_numpy(liked),
        torch.from_numpy(real),
        torch.from_numpy(np.repeat([place[each.history] for each in comparisons], sizes)),
        torch.tensor([index[dish] for each in comparisons for dish in each.dishes]),
        torch.from_numpy(np.repeat(np.arange(len(comparisons)), sizes)),
        torch.from_numpy(first + np.array([each.chosen_index for each in comparisons])),
    )


def _named(comparisons: Iterable[Comparison], histories: Iterable[Sequence[Past]]) -> set[str]:
    return {dish for each in comparisons for dish in each.dishes} | {
        past.dish_id for history in histories for past in history
    }


def vector_scores(vectors: Tensor, asked: Questions, head: Head) -> Tensor:
    """(asked,) scores, given the (dishes, size) vectors of `asked.dishes`."""
    device = vectors.device
    past, liked, real = asked.past.to(device), asked.liked.to(device), asked.real.to(device)
    history_of, offer = asked.history_of.to(device), asked.offer.to(device)
    people = torch.einsum("hl,hls->hs", liked, vectors[past]) / (real.sum(1, keepdim=True) + 1)
    offered = vectors[offer]
    bilinear = (offered * head.gains * people[history_of]).sum(-1)
    # Between dishes, then looked up: dishes are few, pairs of an asked dish and a past line are many.
    directions = normalize(vectors, dim=-1)
    alike = (head.sharpness.exp() * directions @ directions.T)[offer[:, None], past[history_of]]
    alike = alike.masked_fill(~real[history_of], -torch.inf)
    nobody = torch.zeros(
        len(offer), 1, device=device
    )  # a line that says nothing, so that a history may be empty
    attention = torch.cat([alike, nobody], 1).softmax(1)[:, :-1]
    nearest = (attention * liked[history_of]).sum(1)
    return bilinear + head.focus * nearest + offered @ head.appeal
