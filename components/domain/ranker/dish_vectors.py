"""Dish and person vectors: the head that reads every dish once instead of every dish in every context.

A dish is one vector z, a projection of the language model's last hidden state after the dish's line. A person
is the shrunken mean of their past dishes' vectors, each times how much it was liked. A dish's score adds
three parts: the bilinear form sum(gains * z * person), the dish's worth to anyone appeal . z, and attention
over the past dishes most like it.

Shapes: W width of the language model, S size of a vector, D distinct dishes of a batch, H distinct histories,
N lines of the longest history, O dishes on offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from components.domain.preferences.strengths import RatingScale, histories
from components.domain.preferences.tables import Questions, distinct_histories
from components.domain.ranker.prompts import Reading

MAX_TABLE = 4096  # number of dishes up to which all are multiplied with each other
OFFERS_AT_ONCE = 1024  # dishes on offer that are otherwise multiplied with their past dishes at once
ROWS_AT_ONCE = 8192  # dishes of a catalogue that are compared with a history at once
START_GAIN = 0.5
START_SHARPNESS = 1.5  # e^1.5 is 4.5: a like dish counts about ninety times what an opposite one does


@dataclass
class Head:
    """The head's tensors, float32.

    Attributes:
        mean: (W,) mean hidden state of the untuned base over training dishes.
        scale: () mean distance of these states from `mean`.
        projection: (S, W) matrix from centred and scaled hidden states to vectors.
        gains: (S,) weight of each dimension in the bilinear form.
        appeal: (S,) worth of each dimension to anyone.
        sharpness: () logarithm of the attention's factor on cosines.
        focus: () weight of the attention's result in the score.
        spread: () standard deviation of ratings; for this and the next two see `strengths.RatingScale`.
        rating_mean: () mean rating.
        rating_prior: () number of ratings that the mean of all counts for in a person's mean; 0 in heads from
            before 0.2.0.
    """

    mean: Tensor
    scale: Tensor
    projection: Tensor
    gains: Tensor
    appeal: Tensor
    sharpness: Tensor
    focus: Tensor
    spread: Tensor
    rating_mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    rating_prior: Tensor = field(default_factory=lambda: torch.zeros(()))

    @property
    def reading(self) -> Reading:
        """The way in which the language model reads a dish."""
        return Reading()

    def vectors(self, hidden: Tensor, _lines: Sequence[Sequence[int]]) -> Tensor:
        """Computes vectors, (D, S), from (D, W) hidden states."""
        return dish_vectors(hidden, self)

    def scores(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Computes the scores of the dishes on offer, (O,), from the (D, S) vectors of `batch.dishes`."""
        return vector_scores(vectors, batch, self)

    def scores_of_all(self, catalogue: Tensor, past: Tensor, batch: Batch) -> Tensor:
        """Computes the scores of the dishes with these (C, S) vectors, (C,); see `scores_of_all`."""
        return scores_of_all(catalogue, past, batch, self)

    @property
    def size(self) -> int:
        """Length of a dish's vector."""
        return len(self.appeal)

    @property
    def rating_scale(self) -> RatingScale:
        """The scale by which ratings become strengths."""
        return RatingScale(float(self.rating_mean), float(self.rating_prior), float(self.spread))

    def tensors(self) -> dict[str, Tensor]:
        """Collects the tensors by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    @property
    def trained(self) -> list[Tensor]:
        """The tensors that training changes; the projection first, as its small entries need small steps."""
        return [self.projection, self.gains, self.appeal, self.sharpness, self.focus]


def start_head(hidden: Tensor, size: int, ratings: RatingScale) -> Head:
    """Builds a head on the principal directions of the untuned base's hidden states: similar dishes attract.

    Args:
        hidden: (D, W) last hidden states of the training dishes.
        size: Number S of dimensions of a vector; fewer where there are fewer dishes.
    """
    hidden = hidden.float()
    mean = hidden.mean(0)
    centred = hidden - mean
    scale = centred.norm(dim=1).mean()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))  # dishes that all read alike
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
        *(
            torch.tensor(value, device=hidden.device)
            for value in (ratings.spread, ratings.mean, ratings.prior)
        ),
    )


def dish_vectors(hidden: Tensor, head: Head) -> Tensor:
    """Projects (D, W) hidden states to vectors, (D, S)."""
    return (hidden.float() - head.mean) / head.scale @ head.projection.T


@dataclass(frozen=True)
class Batch:
    """Questions as index tensors over their distinct dishes; histories are padded to the longest.

    Attributes:
        dishes: (D,) ids of all distinct dishes, past or on offer.
        past: (H, N) index into `dishes` of each line of each distinct history.
        liked: (H, N) strength of each line, float32; 0 after a history's end.
        is_line: (H, N) True where there is a line.
        is_rated: (H, N) True where the line has a rating.
        history_of: (O,) number of the history that each dish on offer is scored after.
        offered: (O,) index into `dishes` of each dish on offer.
    """

    dishes: tuple[str, ...]
    past: Tensor
    liked: Tensor
    is_line: Tensor
    is_rated: Tensor
    history_of: Tensor
    offered: Tensor


def batch_of(questions: Questions, ratings: RatingScale) -> Batch:
    """Converts questions, in their order, to index tensors; `ratings` is the head's scale."""
    first, history = distinct_histories(questions)
    opinions = histories(questions.take(first))
    codes = np.unique(np.concatenate([opinions.dish, questions.offered]))
    shape = len(first), max(1, int(opinions.sizes.max(initial=0)))
    is_line = np.arange(shape[1]) < opinions.sizes[:, None]
    past, liked = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    is_rated = np.zeros(shape, bool)
    past[is_line] = np.searchsorted(codes, opinions.dish)
    is_rated[is_line] = ~np.isnan(opinions.rating)
    liked[is_line] = opinions.strengths(ratings)
    return Batch(
        tuple(questions.log.dishes[code] for code in codes),
        torch.from_numpy(past),
        torch.from_numpy(liked),
        torch.from_numpy(is_line),
        torch.from_numpy(is_rated),
        torch.from_numpy(np.repeat(history, questions.sizes)),
        torch.from_numpy(np.searchsorted(codes, questions.offered)),
    )


def vector_scores(vectors: Tensor, batch: Batch, head: Head) -> Tensor:
    """Computes the scores of the dishes on offer, (O,), from the (D, S) vectors of `batch.dishes`."""
    device = vectors.device
    past, liked, is_line = batch.past.to(device), batch.liked.to(device), batch.is_line.to(device)  # H N
    history_of, offered = batch.history_of.to(device), batch.offered.to(device)  # O
    people = torch.einsum("hn,hns->hs", liked, vectors[past]) / (is_line.sum(1, keepdim=True) + 1)  # H S
    dishes = vectors[offered]  # O S
    bilinear = (dishes * head.gains * people[history_of]).sum(-1)  # O
    similarity = head.sharpness.exp() * _cosines(normalize(vectors, dim=-1), offered, past[history_of])  # O N
    similarity = similarity.masked_fill(~is_line[history_of], -torch.inf)
    nothing = torch.zeros(len(offered), 1, device=device)  # a line without an opinion, for empty histories
    attention = torch.cat([similarity, nothing], 1).softmax(1)[:, :-1]  # O N
    nearest = (attention * liked[history_of]).sum(1)  # O
    return bilinear + head.focus * nearest + dishes @ head.appeal


def _cosines(directions: Tensor, offered: Tensor, past: Tensor) -> Tensor:
    """Computes the cosines of each dish on offer with its past dishes, (O, N).

    If dishes are few, all are multiplied with each other and the products looked up: there are fewer pairs of
    dishes than pairs of lines. For many dishes this table would grow with the square.

    Args:
        directions: (D, S) vectors of length 1 of all dishes.
        offered: (O,) number of each dish on offer.
        past: (O, N) numbers of its past dishes.
    """
    if len(directions) <= MAX_TABLE:
        return (directions @ directions.T)[offered[:, None], past]
    blocks = zip(torch.split(offered, OFFERS_AT_ONCE), torch.split(past, OFFERS_AT_ONCE), strict=True)
    return torch.cat(
        [torch.einsum("os,ons->on", directions[one], directions[other]) for one, other in blocks]
    )


def scores_of_all(catalogue: Tensor, past: Tensor, batch: Batch, head: Head) -> Tensor:
    """Computes the scores of many dishes after one history, (C,), as `vector_scores` does, up to rounding.

    The person is one vector. Attention also needs the past dishes' vectors, so this takes two matrix products
    where text factors need one.

    Args:
        catalogue: (C, S) vectors of the dishes to score.
        past: (D, S) vectors of `batch.dishes`.
        batch: A single history, without dishes on offer.
    """
    is_line = batch.is_line[0]
    lines = past[batch.past[0, is_line].to(past.device)]  # N S
    liked = batch.liked[0, is_line].to(past.device)  # N
    person = head.gains * (liked @ lines) / (len(liked) + 1) + head.appeal  # S
    towards = head.sharpness.exp() * normalize(lines, dim=-1).T  # S N
    nearest = [
        pad(normalize(part, dim=-1) @ towards, (0, 1)).softmax(1)[:, :-1] @ liked
        for part in torch.split(catalogue, ROWS_AT_ONCE)
    ]
    return catalogue @ person + head.focus * torch.cat(nearest)
