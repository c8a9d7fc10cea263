"""The canary's questions with the scores of an adapter and of its base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from components.domain.param_types import DishField
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Dish, Question
from components.domain.verdict.canary import CanaryQuestion, stored_questions
from components.integrations import adapters, base_models, scoring, tuned_weights


def with_scores(
    questions: Sequence[Question],
    dishes: Mapping[str, Dish],
    fields: tuple[DishField, ...],
    base: Path,
    adapter: Path,
) -> list[CanaryQuestion]:
    """Scores the questions as a service must, with the adapter and with the untuned base.

    A head alone leaves the base as it is; there the second scores are those of a person without a history.

    Args:
        fields: Fields of a dish that the prompt contains.
        adapter: Folder of the adapter, with its head if it has one.
    """
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    tunes_the_base = tuned_weights.tunes_the_base(adapter)

    def scores(scorer: LanguageModel, some: Sequence[Question]) -> list[list[float]]:
        tokens = scorer.dish_tokens(dict(dishes), fields)
        return [scoring.score_question(scorer, tokens, question) for question in some]

    if tunes_the_base:
        adapters.load_head(model, adapter)
        untuned = scores(model, questions)
    adapters.load(model, adapter)
    if not tunes_the_base:  # a head alone must differ from what it says of a stranger
        untuned = scores(model, [replace(question, history=()) for question in questions])
    return stored_questions(questions, dishes, scores(model, questions), untuned)
