"""Dish and person vectors: the head that reads every dish once instead of every dish in every context.

A dish is one vector z, a projection of the language model's last hidden state after the dish's line. A
person is the mean of their past dishes' vectors, each times how much it was liked. A dish's score is
sum(gains * z * person) + appeal . z, a bilinear form and what the dish is worth to anyone, and attention over
the past dishes most like it.

Shapes: W width of the language model, S size of a vector, D distinct dishes of a batch, H distinct histories,
N lines of the longest history, O dishes on offer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from components.domain.preferences.strengths import histories
from components.domain.preferences.tables import Floats, Ints, Questions, ranges

HEAD_FILE = "head.safetensors"  # beside the weights of an adapter or of a merged model
START_GAIN = 0.5
START_SHARPNESS = 1.5  # e^1.5 is 4.5: a like dish counts about ninety times what an opposite one does


@dataclass
class Head:
    """The head's tensors, float32.

    Attributes:
        mean: (W,) mean hidden state of the untuned base over training dishes.
        scale: () mean distance of those states from their mean.
        projection: (S, W) from centred and scaled hidden states to vectors.
        gains: (S,) weight of each dimension in the bilinear form.
        appeal: (S,) what a dimension is worth to anyone.
        sharpness: () logarithm of the attention's factor on cosines.
        focus: () weight of the attention's result in the score.
        spread: () standard deviation of ratings; see `strengths.rating_spread`.
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
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def trained(self) -> list[Tensor]:
        """What training changes; the projection first, whose small entries need small steps."""
        return [self.projection, self.gains, self.appeal, self.sharpness, self.focus]


def start_head(hidden: Tensor, size: int, spread: float) -> Head:
    """A head on the principal directions of the untuned base's hidden states: similar dishes attract.

    Args:
        hidden: (D, W) last hidden states of the training dishes.
        size: S, the dimensions of a vector; fewer where there are fewer dishes.
        spread: See `Head`.
    """
    hidden = hidden.float()
    mean = hidden.mean(0)
    centred = hidden - mean
    scale = centred.norm(dim=1).mean()
    directions = torch.linalg.svd(centred, full_matrices=False).Vh[:size]
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
    """(D, S) vectors of (D, W) hidden states."""
    return (hidden.float() - head.mean) / head.scale @ head.projection.T


@dataclass(frozen=True)
class Batch:
    """Questions as index tensors over their distinct dishes; histories are padded to the longest.

    Attributes:
        dishes: (D,) ids of all distinct dishes, past or on offer.
        past: (H, N) dish of each line of each distinct history.
        liked: (H, N) strength of the line, float32; 0 after a history's end.
        is_line: (H, N) True where there is a line.
        history_of: (O,) history that each dish on offer is scored after.
        offered: (O,) the dish on offer.
    """

    dishes: tuple[str, ...]
    past: Tensor
    liked: Tensor
    is_line: Tensor
    history_of: Tensor
    offered: Tensor


def batch_of(questions: Questions, spread: float) -> Batch:
    """The questions in their order; `spread` is the head's."""
    lines = histories(questions)
    strength = lines.strengths(spread)
    distinct, history = _distinct(lines.dish, strength, lines.sizes)
    codes = np.unique(np.concatenate([lines.dish, questions.offered]))
    sizes = lines.sizes[distinct]
    shape = len(distinct), max(1, int(sizes.max(initial=0)))
    is_line = np.arange(shape[1]) < sizes[:, None]
    where = ranges((np.cumsum(lines.sizes) - lines.sizes)[distinct], sizes)
    past, liked = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    past[is_line] = np.searchsorted(codes, lines.dish[where])
    liked[is_line] = strength[where]
    return Batch(
        tuple(questions.log.dishes[code] for code in codes),
        torch.from_numpy(past),
        torch.from_numpy(liked),
        torch.from_numpy(is_line),
        torch.from_numpy(np.repeat(history, questions.sizes)),
        torch.from_numpy(np.searchsorted(codes, questions.offered)),
    )


def _distinct(dish: Ints, strength: Floats, sizes: Ints) -> tuple[Ints, Ints]:
    """Numbers of the first question with each distinct history, and (Q,) the history of each question."""
    numbers: dict[tuple[bytes, bytes], int] = {}
    first: list[int] = []
    history = np.empty(len(sizes), np.int64)
    stop = 0
    for question, size in enumerate(sizes.tolist()):
        start, stop = stop, stop + size
        content = dish[start:stop].tobytes(), strength[start:stop].tobytes()
        number = history[question] = numbers.setdefault(content, len(numbers))
        if number == len(first):
            first.append(question)
    return np.array(first, np.int64), history


def vector_scores(vectors: Tensor, batch: Batch, head: Head) -> Tensor:
    """(O,) scores, given the (D, S) vectors of `batch.dishes`."""
    device = vectors.device
    past, liked, is_line = batch.past.to(device), batch.liked.to(device), batch.is_line.to(device)  # H N
    history_of, offered = batch.history_of.to(device), batch.offered.to(device)  # O
    people = torch.einsum("hn,hns->hs", liked, vectors[past]) / (is_line.sum(1, keepdim=True) + 1)  # H S
    dishes = vectors[offered]  # O S
    bilinear = (dishes * head.gains * people[history_of]).sum(-1)  # O
    # Cosines are computed between dishes and then looked up: pairs of dishes are fewer than pairs of lines.
    directions = normalize(vectors, dim=-1)  # D S
    similarity = (head.sharpness.exp() * directions @ directions.T)[offered[:, None], past[history_of]]  # O N
    similarity = similarity.masked_fill(~is_line[history_of], -torch.inf)
    nothing = torch.zeros(len(offered), 1, device=device)  # a line without an opinion, for empty histories
    attention = torch.cat([similarity, nothing], 1).softmax(1)[:, :-1]  # O N
    nearest = (attention * liked[history_of]).sum(1)  # O
    return bilinear + head.focus * nearest + dishes @ head.appeal
