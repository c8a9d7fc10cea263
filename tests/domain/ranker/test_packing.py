"""Packing must not change a single score: that is what allows it to be fast."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.preferences.tables import Comparisons
from components.domain.ranker import packing
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Comparison, Dish, Past, Question
from components.integrations import scoring
from tests.conftest import by_key

TOLERANCE = 1e-4  # logits, float32: the order of additions differs


@pytest.fixture
def table(comparisons: list[Comparison]) -> Comparisons:
    return comparison_table(comparisons)


@pytest.fixture
def tokens(small_model: LanguageModel, dishes: dict[str, Dish]) -> DishTokens:
    return small_model.dish_tokens(dishes, ("name", "tags"), 100)


def test_packed_scores_equal_scores_of_each_dish_alone(
    small_model: LanguageModel, tokens: DishTokens, table: Comparisons, comparisons: list[Comparison]
) -> None:
    packed = by_key(scoring.score(small_model, tokens, table), table)
    for comparison in comparisons:
        for index, dish in enumerate(comparison.dishes):
            alone = Question(comparison.person_id, comparison.history, (dish,))
            score = scoring.score_question(small_model, tokens, alone)[0]
            assert packed[comparison.key][index] == pytest.approx(score, abs=TOLERANCE)


def test_packed_scores_equal_those_of_transformers_on_plain_text(
    small_model: LanguageModel, tokens: DishTokens, table: Comparisons, comparisons: list[Comparison]
) -> None:
    packed = by_key(scoring.score(small_model, tokens, table), table)
    yes, no = (small_model.encode(answer)[0] for answer in (" yes", " no"))
    for comparison in comparisons:
        history = [token for past in comparison.history for token in tokens.past(past)]
        for index, dish in enumerate(comparison.dishes):
            ids = torch.tensor([[*tokens.header(), *history, *tokens.offer(dish)]])
            logits = small_model.network(ids).logits[0, -1].detach()
            expected = float(logits[yes] - logits[no])
            assert packed[comparison.key][index] == pytest.approx(expected, abs=TOLERANCE)


def test_history_changes_scores(
    small_model: LanguageModel, tokens: DishTokens, comparisons: list[Comparison]
) -> None:
    last = comparisons[3]
    scores = scoring.score_question(small_model, tokens, last)
    without = scoring.score_question(small_model, tokens, dataclasses.replace(last, history=()))
    assert not np.allclose(scores, without, atol=0.01)


@pytest.mark.parametrize("budget", [64, 200, 1000])
def test_every_question_is_packed_once_and_sequences_stay_within_their_budget(
    tokens: DishTokens, table: Comparisons, budget: int
) -> None:
    sequences = packing.pack(table, tokens, budget)
    assert sorted(at for _, offered in sequences for at in offered) == list(range(len(table.offered)))
    questions = [set(table.owner[offered].tolist()) for _, offered in sequences]
    assert sum(map(len, questions)) == len(table)
    for (packed, _), numbers in zip(sequences, questions, strict=True):
        assert packed.answer_at.max() < budget or len(numbers) == 1


def test_a_prompt_holds_the_latest_lines_in_a_window_that_moves_in_steps(
    small_model: LanguageModel, dishes: dict[str, Dish]
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name",), 10)
    lengths = [length - tokens.first_line(length) for length in range(14)]
    assert lengths == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6, 7, 8]
    history = tuple(Past(f"d{n % 8}", 1) for n in range(13))
    whole, window = Question("x", history, ("d1", "d2")), Question("x", history[5:], ("d1", "d2"))
    scores = [scoring.score_question(small_model, tokens, question) for question in (whole, window)]
    assert scores[0] == pytest.approx(scores[1], abs=TOLERANCE)


def test_a_dish_never_sees_another_dish_or_another_person(
    small_model: LanguageModel, dishes: dict[str, Dish], tokens: DishTokens, table: Comparisons
) -> None:
    assert len(packing.pack(table, tokens, scoring.SEQUENCE_TOKENS)) < len(table.log.people)
    others = dict(dishes, d6=dataclasses.replace(dishes["d6"], name="Something else entirely"))
    before = scoring.score(small_model, tokens, table)
    after = scoring.score(small_model, small_model.dish_tokens(others, ("name", "tags"), 100), table)
    same = table.offered != table.log.dishes.index("d6")
    assert before[same] == pytest.approx(after[same], abs=TOLERANCE)
    assert np.abs(before - after)[~same].max() > TOLERANCE


def test_people_whose_questions_are_mixed_keep_their_scores(
    small_model: LanguageModel, tokens: DishTokens, comparisons: list[Comparison]
) -> None:
    questions = [Question(each.person_id, each.history, each.dishes) for each in comparisons[::-1]]
    table = question_table(questions)
    scores = np.split(scoring.score(small_model, tokens, table), np.cumsum(table.sizes)[:-1])
    for question, values in zip(questions, scores, strict=True):
        assert values == pytest.approx(scoring.score_question(small_model, tokens, question), abs=TOLERANCE)
