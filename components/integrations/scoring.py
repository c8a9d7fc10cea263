"""torch: scores of many questions, or of a single one, by the model's head; without a head, in context."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from tqdm import tqdm

from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import question_table
from components.domain.preferences.tables import Questions
from components.domain.ranker.dish_vectors import batch_of
from components.domain.ranker.encoding import go_on, packed_states
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens
from components.domain.ranker.vector_memory import vectors_of
from components.domain.records import Question

SEQUENCE_TOKENS = 384  # in a packed sequence: more pay for attention between people, fewer for padding


def score(
    model: LanguageModel,
    tokens: DishTokens,
    questions: Questions,
    label: str = "",
    before_batch: Callable[[], None] = go_on,
) -> Floats:
    """Scores every dish of every question.

    Args:
        tokens: Tokens of all dishes of the questions and of their histories.
        questions: The questions, in any order.
        label: Name on the progress bar; empty for no bar.
        before_batch: Called before each batch of model work; what it raises ends the work.

    Returns:
        (O,) scores in the order of `questions.offered`.
    """
    if not len(questions):
        return np.empty(0)
    if model.head:
        return _by_head(model, model.head, tokens, questions, before_batch)
    return _in_context(model, tokens, questions, label, before_batch)


def _by_head(
    model: LanguageModel,
    head: AnyHead,
    tokens: DishTokens,
    questions: Questions,
    before_batch: Callable[[], None],
) -> Floats:
    batch = batch_of(questions, head.rating_scale)
    with torch.inference_mode():
        lines = [tokens.alone(dish, head.reading.template) for dish in batch.dishes]
        vectors = vectors_of(model, head, lines, before_batch)
        scores: Floats = head.scores(vectors, batch).double().cpu().numpy()
    return scores


def _in_context(
    model: LanguageModel,
    tokens: DishTokens,
    questions: Questions,
    label: str,
    before_batch: Callable[[], None],
) -> Floats:
    """Computes logit(yes) - logit(no) after each dish's line, which follows the person's history."""
    scores = np.empty(len(questions.offered))
    sequences = pack(questions, tokens, SEQUENCE_TOKENS)
    bar = tqdm(sequences, desc=f"score {label}", unit="sequence", disable=None if label else True)
    with torch.inference_mode():
        for packed, offered in bar:
            before_batch()
            states = packed_states(model.decoder, [packed], model.device)
            answers = (states.float() * model.direction.float()).sum(-1)
            scores[offered] = answers.double().cpu().numpy()
    return scores


def score_question(
    model: LanguageModel,
    tokens: DishTokens,
    question: Question,
    before_batch: Callable[[], None] = go_on,
) -> list[float]:
    """Scores one question's dishes, in their order; arguments as for `score`."""
    scores: list[float] = score(model, tokens, question_table([question]), before_batch=before_batch).tolist()
    return scores
