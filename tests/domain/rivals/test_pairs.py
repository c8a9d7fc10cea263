"""Pairs are every distinct history with every dish on offer after it, held against plain loops."""

from __future__ import annotations

import random

import numpy as np
import pytest

from components.domain.preferences.from_records import question_table
from components.domain.preferences.strengths import RatingScale
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Past, Question
from components.domain.rivals.pairs import pairs_of

DISHES = ("p", "q", "r", "борщ", "豆腐")
PASTS = [Past(dish, verdict) for dish in DISHES for verdict in (LIKED, NEUTRAL, DISLIKED)]


def _random_questions(seed: int) -> list[Question]:
    """Questions of people with few histories between them, in which dishes recur."""
    draw, histories, questions = random.Random(seed), [tuple[Past, ...]()], list[Question]()
    for _ in range(2):
        histories.append(tuple(draw.choices(PASTS, k=draw.randrange(5))))
    for _ in range(draw.randrange(1, 20)):
        dishes = tuple(draw.sample(DISHES, draw.randrange(1, 5)))
        questions.append(Question(draw.choice(["x", "Ада"]), draw.choice(histories), dishes))
    return questions


@pytest.mark.parametrize("seed", range(5))
def test_a_history_meets_a_dish_once_and_scores_come_back_to_the_offers(seed: int) -> None:
    questions = _random_questions(seed)
    table = question_table(questions)
    pairs = pairs_of(table)
    expected = [(question.history, dish) for question in questions for dish in question.dishes]
    histories = [pairs.questions.question(number).history for number in pairs.history]
    named = list(zip(histories, (table.log.dishes[dish] for dish in pairs.dish), strict=True))
    assert len(named) == len(set(expected))
    scores = np.random.default_rng(seed).random(len(named))
    by_name = dict(zip(named, scores, strict=True))
    assert pairs.on_offer(scores).tolist() == [by_name[name] for name in expected]


@pytest.mark.parametrize("seed", range(5))
def test_matrices_are_sums_over_the_lines_of_the_histories(seed: int) -> None:
    table = question_table(_random_questions(seed))
    pairs = pairs_of(table)
    counts, verdicts = np.zeros((2, len(pairs.questions), len(table.log.dishes)))
    for number in range(len(pairs.questions)):
        for past in pairs.questions.question(number).history:
            counts[number, table.log.dishes.index(past.dish_id)] += 1
            verdicts[number, table.log.dishes.index(past.dish_id)] += past.verdict
    assert np.array_equal([pairs.counts().toarray(), pairs.verdicts().toarray()], [counts, verdicts])
    assert pairs.entries(pairs.verdicts()).tolist() == verdicts[pairs.history, pairs.dish].tolist()


def test_strengths_of_a_dish_add_up() -> None:
    history = (Past("p", LIKED, 5.0), Past("p", LIKED, 4.0), Past("q", DISLIKED, 0.0))  # of mean 3
    pairs = pairs_of(question_table([Question("x", history, ("p", "q", "r"))]))
    assert pairs.strengths(RatingScale(spread=2.0)).toarray().tolist() == [[1.5, -1.5, 0.0]]
