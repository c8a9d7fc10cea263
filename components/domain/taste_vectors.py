"""Dish and person vectors: the head that reads every dish once instead of every dish in every context.

A dish is one vector z, a projection of the language model's last hidden state after the dish's line. A
person is
the mean of their past dishes' vectors, each times how much it was liked. A dish's score is
sum(gains * z * person) + appeal . z: a bilinear form, and what the dish is worth to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from components.domain.collaborative import strengths
from components.domain.records import Comparison, Past

HEAD_FILE = "head.safetensors"  # beside the weights of an adapter or of a merged model
START_GAIN = 0.5


@dataclass
class Head:
    """The head's tensors, float32.

    Attributes:
        mean: (width,) mean hidden state of the untuned base over training dishes.
        scale: () mean distance of those states from their mean.
        projection: (size, width) from centred and scaled hidden states to vectors.
        gains: (size,) weight of each dimension in the bilinear form.
        appeal: (size,) what a dimension is worth to anyone.
        spread: () standard deviation of ratings; see `collaborative.rating_spread`.
    """

    mean: Tensor
    scale: Tensor
    projection: Tensor
    gains: Tensor
    appeal: Tensor
    spread: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def trained(self) -> list[Tensor]:
        """What training changes; the projection first, whose small entries need small steps."""
        return [self.projection, self.gains, self.appeal]


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
        torch.tensor(spread, device=hidden.device),
    )


def dish_vectors(hidden: Tensor, head: Head) -> Tensor:
    """(dishes, size) vectors of (dishes, width) hidden states."""
    return (hidden.float() - head.mean) / head.scale @ head.projection.T


@dataclass(frozen=True)
class Questions:
    """Comparisons as index tensors over `dishes`.

    Attributes:
        dishes: Ids of all distinct dishes, past or offered.
        past: (lines,) dish of each line of each distinct history, one history after the other.
        liked: (lines,) strength of the line over the lines of its history + 1, float32.
        starts: (histories,) first line of each history.
        history_of: (asked,) history of each dish asked about.
        offer: (asked,) the dish asked about.
        comparison_of: (asked,) which comparison it belongs to.
        chosen: (comparisons,) index into the asked of each comparison's preferred dish.
    """

    dishes: tuple[str, ...]
    past: Tensor
    liked: Tensor
    starts: Tensor
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
    liked = [strengths(history, spread) / (len(history) + 1) for history in histories]
    sizes = [len(each.dishes) for each in comparisons]
    first = np.cumsum([0, *sizes[:-1]])
    return Questions(
        dishes,
        torch.tensor([index[past.dish_id] for history in histories for past in history], dtype=torch.long),
        torch.from_numpy(np.concatenate(liked) if liked else np.zeros(0)).float(),
        torch.from_numpy(np.cumsum([0, *(len(history) for history in histories[:-1])])),
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
    people = embedding_bag(
        asked.past.to(device),
        vectors,
        asked.starts.to(device),
        mode="sum",
        per_sample_weights=asked.liked.to(device),
    )
    offered = vectors[asked.offer.to(device)]
    return (offered * head.gains * people[asked.history_of.to(device)]).sum(-1) + offered @ head.appeal
