"""Batches of a training: what one optimizer step learns from, with dishes in context or as vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from components.domain.params import CandidateParams, TrainParams, VectorParams
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import Head, batch_of, dish_vectors, start_head, vector_scores
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import Targets, packed_scores, targets_of
from components.domain.ranker.packing import PackedQuestions, pack
from components.domain.ranker.prompts import DishTokens


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        scores: Gives (O,) scores under the present weights.
        targets: What the scores are trained towards.
        comparisons: Number of comparisons in it.
        tokens: Number of tokens, without padding, that the language model reads for it.
    """

    scores: Callable[[], Tensor]
    targets: Targets
    comparisons: int
    tokens: int

    def with_reference(self) -> Batch:
        """The same with the present scores as the reference of the objective DPO."""
        return replace(self, targets=replace(self.targets, reference=self.scores()))


def packed_batches(
    model: LanguageModel, tokens: DishTokens, train: Comparisons, settings: TrainParams
) -> list[Batch]:
    """Batches that read dishes in context, to be answered yes or no."""

    def batch(sequences: Sequence[PackedQuestions]) -> Batch:
        part = train.take(np.concatenate([packed.questions for packed in sequences]))
        return Batch(
            lambda: packed_scores(model.decoder, model.direction, sequences),
            _on(targets_of(part), model.device),
            len(part),
            sum(packed.size for packed in sequences),
        )

    sequences, count = pack(train, tokens, settings.sequence_tokens), settings.sequences_per_step
    return [batch(sequences[start : start + count]) for start in range(0, len(sequences), count)]


def vector_batches(
    model: LanguageModel,
    tokens: DishTokens,
    train: Comparisons,
    ratings: RatingScale,
    candidate: CandidateParams,
    vectors: VectorParams,
) -> list[Batch]:
    """Batches that read each distinct dish once, through the tuned layers only.

    They are equally large, since each is one step. A model without a head gets one.
    """
    ratings = model.head.rating_scale if model.head else ratings
    lines = {dish: tokens.alone(dish) for dish in batch_of(train, ratings).dishes}
    tuned = any(weight.requires_grad for weight in model.network.parameters())
    first = candidate.layers[0] if tuned else len(model.decoder.layers)  # nothing above a frozen base changes
    lower = dict(zip(lines, encoding.lower_states(model, list(lines.values()), first), strict=True))
    if model.head is None:
        with torch.no_grad():
            untuned = encoding.upper_states(model, list(lower.values()), first)
        model.head = start_head(untuned, vectors.size, ratings)
    if not isinstance(model.head, Head):
        raise TypeError("a training of dish vectors goes on from a head of dish vectors")
    head, model.vectors = model.head, {}

    def batch(part: Comparisons) -> Batch:
        questions = batch_of(part, ratings)

        def scores() -> Tensor:
            hidden = encoding.upper_states(model, [lower[dish] for dish in questions.dishes], first)
            return vector_scores(dish_vectors(hidden, head), questions, head)

        size = sum(len(lines[dish]) for dish in questions.dishes)
        return Batch(scores, _on(targets_of(part), model.device), len(part), size)

    count = max(1, -(-len(train) // vectors.comparisons_per_step))
    return [batch(train.take(part)) for part in np.array_split(np.arange(len(train)), count)]


def _on(targets: Targets, device: torch.device) -> Targets:
    return Targets(targets.comparison_of.to(device), targets.chosen.to(device), targets.verdicts.to(device))
