"""torch: scores of many questions, or of a single one, by the model's head if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from tqdm import tqdm

from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import question_table
from components.domain.preferences.tables import Questions
from components.domain.ranker.dish_vectors import batch_of
from components.domain.ranker.encoding import go_on
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import packed_scores
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens
from components.domain.ranker.vector_memory import vectors_of
from components.domain.records import Question

OFFER_TOKENS = 1024  # tokens of the dishes on offer that one question in context is asked about at once


def score(
    model: LanguageModel,
    tokens: DishTokens,
    questions: Questions,
    sequence_tokens: int,
    label: str,
    before_batch: Callable[[], None] = go_on,
) -> Floats:
    """Scores every dish of every question.

    Args:
        model: The model, with or without an adapter attached.
        tokens: Tokens of all dishes of the questions and of their histories.
        questions: The questions, in any order.
        sequence_tokens: Token budget of a packed sequence; a head of dish vectors packs nothing.
        label: Name on the progress bar; empty for no bar.
        before_batch: Called before each batch of model work; what it raises ends the work.

    Returns:
        (O,) scores in the order of `questions.offered`.
    """
    if not len(questions):
        return np.empty(0)
    if model.head:
        return _by_vectors(model, model.head, tokens, questions, before_batch)
    scores = np.empty(len(questions.offered))
    with torch.inference_mode():
        sequences = pack(questions, tokens, sequence_tokens)
        for packed in tqdm(
            sequences, desc=f"score {label}", unit="sequence", disable=None if label else True
        ):
            before_batch()
            values = packed_scores(model.decoder, model.direction, [packed])
            scores[packed.offered] = values.double().cpu().numpy()
    return scores


def _by_vectors(
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


def score_question(
    model: LanguageModel,
    tokens: DishTokens,
    question: Question,
    before_batch: Callable[[], None] = go_on,
) -> list[float]:
    """Scores one question's dishes, in their order.

    Args:
        model: The model, with or without an adapter attached.
        tokens: Tokens of all dishes of the question.
        question: The question; in context it is asked in parts, since memory grows with the length squared.
        before_batch: Called before each batch of model work; what it raises ends the work.
    """
    parts = [question.dishes] if model.head else _parts(tokens, question)
    return [
        float(value)
        for dishes in parts
        for value in score(
            model, tokens, question_table([replace(question, dishes=dishes)]), 1, "", before_batch
        )
    ]


def _parts(tokens: DishTokens, question: Question) -> list[tuple[str, ...]]:
    parts: list[tuple[str, ...]] = []
    size = OFFER_TOKENS
    for dish in question.dishes:
        length = len(tokens.offer(dish))
        if size + length > OFFER_TOKENS and size:
            parts.append(())
            size = 0
        parts[-1] = (*parts[-1], dish)
        size += length
    return parts
