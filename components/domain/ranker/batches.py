"""Batches of a training, which share one reading of the dishes.

Dish vectors are read once for several batches. Each batch is one step of the head, and leaves gradients on
the dishes' states. The gradients of all these batches then go through the language model together, in one
step of its weights (gradient caching, Gao et al. 2021). Where there are many dishes, such a step reads only
some of them anew, in turn, and takes the others as they were last read. This bounds a training's cost for any
number of dishes.

Shapes: D dishes of a training, W width of the language model, O dishes on offer of a batch, C comparisons of
a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import Head, batch_of, dish_vectors, start_head, vector_scores
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.training_params import CandidateParams, VectorParams


@dataclass(frozen=True)
class Batch:
    """The comparisons that one step learns from.

    Attributes:
        scores: Computes (O,) scores under the present weights, given the states of `Batches`.
        comparison_of: (O,) number of the comparison that each dish belongs to, 0 to C - 1.
        chosen: (C,) index into the scores of each comparison's chosen dish.
    """

    scores: Callable[[Tensor], Tensor]
    comparison_of: Tensor
    chosen: Tensor


@dataclass(frozen=True)
class Batches:
    """The batches of a training, and the hidden states that they share.

    Attributes:
        head: The head that is trained; the model has it, too.
        states: Computes (D, W) hidden states of all dishes, with gradients for the dishes that it reads anew.
        fresh_states: Computes these states as well, but reads all dishes anew under the present weights.
        lines: The line of token ids of each of the D dishes, as `states` reads it.
        tokens: Number of tokens that the language model reads for one call of `states`.
        batches: The batches, about equally large.
        steps: Number of optimizer steps of the language model's weights in a pass over the batches.
        fullness: Size of the batches as a share of the largest that the settings allow, 0 to 1.
    """

    head: Head
    states: Callable[[], Tensor]
    fresh_states: Callable[[], Tensor]
    lines: Sequence[tuple[int, ...]]
    tokens: int
    batches: Sequence[Batch]
    steps: int
    fullness: float


class _Dishes:
    """Hidden states of a training's dishes; only the tuned layers run more than once."""

    def __init__(
        self, model: LanguageModel, lines: Sequence[tuple[int, ...]], first: int, at_once: int
    ) -> None:
        """Runs the layers below the first tuned one.

        Args:
            lines: (D,) the line of token ids of each dish.
            first: Index of the first tuned layer.
            at_once: Number of dishes that `in_turn` reads anew.
        """
        self._model, self._first, self._at_once = model, first, at_once
        self._lower = encoding.lower_states(model, lines, first)
        self._last: Tensor | None = None
        self._turn = torch.randperm(len(lines), generator=torch.Generator().manual_seed(len(lines)))

    def fresh(self) -> Tensor:
        """Computes the states of all dishes under the present weights, (D, W)."""
        return encoding.upper_states(self._model, self._lower, self._first)

    def last(self) -> Tensor:
        """Looks up the states as they were last read, (D, W), without gradients."""
        if self._last is None:
            with torch.no_grad():
                self._last = self.fresh()
        return self._last

    def in_turn(self) -> Tensor:
        """Reads the dishes whose turn it is anew, with gradients; takes the others' last states, (D, W)."""
        if len(self._lower) <= self._at_once:
            return self.fresh()
        rows, self._turn = self._turn[: self._at_once], self._turn.roll(-self._at_once)
        lower = [self._lower[row] for row in rows.tolist()]
        anew = encoding.upper_states(self._model, lower, self._first)
        states = self.last().index_copy(0, rows.to(anew.device), anew)
        self._last = states.detach()
        return states


def vector_batches(
    model: LanguageModel,
    tokens: DishTokens,
    train: Comparisons,
    ratings: RatingScale,
    candidate: CandidateParams,
    vectors: VectorParams,
) -> Batches:
    """Builds batches that share one reading of the dishes, through the tuned layers only.

    They are about equally large, since each is one step. A model without a head gets one.
    """
    ratings = model.head.rating_scale if model.head else ratings
    dishes = {dish: number for number, dish in enumerate(batch_of(train, ratings).dishes)}
    lines = [tokens.alone(dish) for dish in dishes]
    tuned = any(weight.requires_grad for weight in model.network.parameters())
    first = candidate.layers[0] if tuned else len(model.decoder.layers)  # nothing above a frozen base changes
    states_of = _Dishes(model, lines, first, vectors.dishes_per_step)
    if model.head is None:
        model.head = start_head(states_of.last(), vectors.size, ratings)
    if not isinstance(model.head, Head):
        raise TypeError("a training of dish vectors goes on from a head of dish vectors")
    head, model.vectors = model.head, {}

    def batch(part: Comparisons) -> Batch:
        questions = batch_of(part, ratings)
        rows = torch.tensor([dishes[dish] for dish in questions.dishes], device=model.device)

        def scores(states: Tensor) -> Tensor:
            return vector_scores(dish_vectors(states[rows], head), questions, head)

        owner, chosen = torch.from_numpy(part.owner), torch.from_numpy(part.chosen_at)
        return Batch(scores, owner.to(model.device), chosen.to(model.device))

    count = max(1, -(-len(train) // vectors.comparisons_per_step))
    batches = [batch(train.take(part)) for part in np.array_split(np.arange(len(train)), count)]
    fullness = len(train) / (count * vectors.comparisons_per_step)
    size = round(sum(map(len, lines)) * min(1, vectors.dishes_per_step / len(lines)))
    steps = min(vectors.adapter_steps, count)
    return Batches(head, states_of.in_turn, states_of.fresh, lines, size, batches, steps, fullness)
