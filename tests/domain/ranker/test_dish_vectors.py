"""Vectors: cached, batched and cut at a layer, they score as the plain formula on the plain model does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import (
    MAX_TABLE,
    Head,
    batch_of,
    dish_vectors,
    start_head,
    vector_scores,
)
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import DISLIKED, LIKED, Comparison, Dish, Past, Question
from components.integrations import scoring
from tests.conftest import by_key

TOLERANCE = 1e-4  # float32: the order of additions differs with padding


def _lines(model: LanguageModel, dishes: dict[str, Dish]) -> dict[str, tuple[int, ...]]:
    tokens = model.dish_tokens(dishes, ("name", "tags"), 100)
    return {dish: tokens.alone(dish) for dish in dishes}


def _alone(model: LanguageModel, line: tuple[int, ...]) -> torch.Tensor:
    with torch.no_grad():
        return model.decoder(input_ids=torch.tensor([line])).last_hidden_state[0, -1]


def _head(model: LanguageModel, dishes: dict[str, Dish]) -> Head:
    head = start_head(encoding.hidden_states(model, list(_lines(model, dishes).values())), 4, RatingScale())
    head.appeal = torch.arange(4.0)
    return head


@pytest.mark.parametrize("first_tuned", [0, 1, 2])
def test_lower_then_upper_layers_give_what_the_whole_model_gives(
    small_model: LanguageModel, dishes: dict[str, Dish], first_tuned: int
) -> None:
    lines = list(_lines(small_model, dishes).values())
    lower = encoding.lower_states(small_model, lines, first_tuned)
    upper = encoding.upper_states(small_model, lower, first_tuned)
    for line, state in zip(lines, upper, strict=True):
        assert torch.allclose(state, _alone(small_model, line), atol=TOLERANCE)
    assert len(small_model.decoder.layers) == 2
    assert torch.allclose(encoding.hidden_states(small_model, lines), upper.detach(), atol=TOLERANCE)


def test_many_lines_have_the_gradient_of_few_though_their_activations_are_computed_again(
    small_model: LanguageModel,
) -> None:
    weight = small_model.decoder.layers[1].mlp.down_proj.weight
    weight.requires_grad = True
    lines = [
        small_model.encode(f"A dish: number {number}.") for number in range(encoding.MAX_ACTIVATIONS + 10)
    ]
    lower = encoding.lower_states(small_model, lines, 1)

    def gradient(part: list[torch.Tensor]) -> torch.Tensor:
        weight.grad = None
        encoding.upper_states(small_model, part, 1).sin().sum().backward()
        assert len(small_model.decoder.layers) == 2
        return weight.grad.clone()

    half = len(lower) // 2  # few enough for their activations to be stored
    in_halves = gradient(lower[:half]) + gradient(lower[half:])
    assert in_halves.abs().max() > 0.01
    assert torch.allclose(gradient(lower), in_halves, atol=TOLERANCE)


def test_scores_are_the_formula_for_each_dish_alone_and_the_same_from_memory(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    head, table = _head(small_model, dishes), comparison_table(comparisons)
    small_model.head = head
    tokens, lines = small_model.dish_tokens(dishes, ("name", "tags"), 100), _lines(small_model, dishes)
    first = scoring.score(small_model, tokens, table)
    assert small_model.vectors
    assert np.array_equal(first, scoring.score(small_model, tokens, table))
    z = {dish: dish_vectors(_alone(small_model, line)[None], head)[0] for dish, line in lines.items()}
    for comparison, scores in zip(comparisons, by_key(first, table).values(), strict=True):
        strength = torch.tensor([float(line.verdict) for line in comparison.history] or [0.0])
        past = torch.stack([z[line.dish_id] for line in comparison.history] or [torch.zeros(4)])
        person = (strength[:, None] * past).sum(0) / (len(comparison.history) + 1)
        expected = []
        for dish in comparison.dishes:
            likeness = (head.sharpness.exp() * torch.cosine_similarity(past, z[dish][None])).exp()
            likeness = likeness if comparison.history else torch.zeros(1)
            nearest = (likeness * strength).sum() / (likeness.sum() + 1)
            score = ((head.gains * person + head.appeal) * z[dish]).sum() + head.focus * nearest
            expected.append(float(score))
        assert scores == pytest.approx(expected, abs=10 * TOLERANCE)


def test_a_fresh_head_prefers_what_is_like_the_liked(
    small_model: LanguageModel, dishes: dict[str, Dish]
) -> None:
    small_model.head = start_head(
        encoding.hidden_states(small_model, list(_lines(small_model, dishes).values())), 8, RatingScale()
    )
    tokens = small_model.dish_tokens(dishes, ("name", "tags"), 100)
    for verdict in (1, -1):
        question = Question("x", (Past("d4", verdict),), ("d4", "d1"))
        same, other = scoring.score_question(small_model, tokens, question)
        assert (same > other) == (verdict > 0)


def test_a_history_may_be_empty_and_ratings_count_from_the_persons_mean() -> None:
    one = torch.tensor(1.0)
    appeal = torch.tensor([1.0, 2.0])
    head = Head(torch.zeros(2), one, torch.eye(2), torch.ones(2), appeal, 0 * one, one, 2 * one)
    rated = Question("x", (Past("d1", 0, 5.0), Past("d6", 0, 1.0)), ("d1", "d6"))
    batch = batch_of(question_table([replace(rated, history=()), rated]), head.rating_scale)
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # Strengths are (5 - 3) / 2 and (1 - 3) / 2, over two lines and one; cosines are 1 and 0, and 1 is added.
    near = (math.e - 1) / (math.e + 2)
    expected = [1, 2, 1 + 1 / 3 + near, 2 - 1 / 3 - near]
    assert vector_scores(vectors, batch, head).tolist() == pytest.approx(expected)


def test_equal_histories_are_one_whoever_has_them(comparisons: list[Comparison]) -> None:
    batch = batch_of(
        comparison_table([replace(each, person_id="x") for each in comparisons] * 2), RatingScale()
    )
    distinct = {each.history for each in comparisons}
    assert len(batch.past) == len(distinct)
    assert int(batch.history_of.max()) == len(distinct) - 1


@pytest.mark.parametrize("dishes", [1, 2, 30])
def test_dishes_that_all_read_alike_have_vectors_that_are_numbers(dishes: int) -> None:
    hidden = torch.randn(1, 8, generator=torch.manual_seed(1)).repeat(dishes, 1)
    vectors = dish_vectors(hidden, start_head(hidden, 4, RatingScale()))
    assert torch.isfinite(vectors).all()


def test_many_dishes_are_scored_without_a_table_of_all_pairs_and_alike(
    small_model: LanguageModel, dishes: dict[str, Dish]
) -> None:
    head, count = _head(small_model, dishes), MAX_TABLE + 200
    vectors = dict(enumerate(torch.randn(count, 4, generator=torch.Generator().manual_seed(1))))
    questions = [
        Question(f"p{n}", (Past(str(n - 1), LIKED), Past(str(n - 7), DISLIKED)), (str(n), str(n - 2)))
        for n in range(7, count)
    ]
    scores = []
    for part in ([questions], [questions[:2000], questions[2000:]]):
        batches = [batch_of(question_table(some), RatingScale()) for some in part]
        tables = [torch.stack([vectors[int(dish)] for dish in batch.dishes]) for batch in batches]
        assert [len(table) > MAX_TABLE for table in tables] == [len(part) == 1] * len(part)
        one_by_one = (vector_scores(*both, head) for both in zip(tables, batches, strict=True))
        scores.append(torch.cat(list(one_by_one)))
    assert torch.allclose(*scores, atol=1e-6)
