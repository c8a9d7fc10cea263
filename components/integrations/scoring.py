"""torch: scores of many questions, or of one, by the head that the model has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.preferences.from_records import question_table
from components.domain.preferences.tables import Floats, Questions
from components.domain.ranker.dish_vectors import Head, batch_of, dish_vectors, vector_scores
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import packed_scores
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Question

MAX_VECTORS = 20_000  # dishes whose vectors a model keeps; when there are more, all are dropped


def score(
    model: LanguageModel, tokens: DishTokens, questions: Questions, sequence_tokens: int, label: str
) -> Floats:
    """Scores every dish of every question.

    Args:
        model: With or without an adapter attached.
        tokens: Covers all dishes of the questions and of their histories.
        questions: In any order.
        sequence_tokens: Token budget of a packed sequence; a head of dish vectors packs nothing.
        label: Name on the progress bar; empty for no bar.

    Returns:
        (O,) scores in the order of `questions.offered`.
    """
    if not len(questions):
        return np.empty(0)
    if model.head:
        return _by_vectors(model, model.head, tokens, questions)
    scores = np.empty(len(questions.offered))
    with torch.inference_mode():
        sequences = pack(questions, tokens, sequence_tokens)
        for packed in tqdm(
            sequences, desc=f"score {label}", unit="sequence", disable=None if label else True
        ):
            values = packed_scores(model.decoder, model.direction, [packed])
            scores[packed.offered] = values.double().cpu().numpy()
    return scores


def _by_vectors(model: LanguageModel, head: Head, tokens: DishTokens, questions: Questions) -> Floats:
    batch = batch_of(questions, float(head.spread))
    with torch.inference_mode():
        vectors = _vectors(model, head, [tokens.alone(dish) for dish in batch.dishes])
        scores: Floats = vector_scores(vectors, batch, head).double().cpu().numpy()
    return scores


def _vectors(model: LanguageModel, head: Head, lines: Sequence[tuple[int, ...]]) -> Tensor:
    """(lines, size) vectors; a line is read once in a model's life."""
    new = [line for line in dict.fromkeys(lines) if line not in model.vectors]
    if len(model.vectors) + len(new) > MAX_VECTORS:
        model.vectors.clear()
        new = list(dict.fromkeys(lines))
    if new:
        model.vectors.update(zip(new, dish_vectors(hidden_states(model, new), head), strict=True))
    return torch.stack([model.vectors[line] for line in lines])


def score_question(model: LanguageModel, tokens: DishTokens, question: Question) -> list[float]:
    """Scores of one question's dishes, in their order."""
    return [float(value) for value in score(model, tokens, question_table([question]), 1, "")]
