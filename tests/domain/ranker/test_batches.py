"""Batches hold every comparison once, and score as scoring does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.batches import packed_batches, vector_batches
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import objective_loss
from components.domain.records import Comparison, Dish, Past
from components.integrations import scoring
from tests.conftest import REPO

TRAIN = read_params(REPO / "params.yaml").train
CANDIDATE = TRAIN.candidates["vectors"].model_copy(update={"layers": (1, 2)})
SCALE = RatingScale(mean=3.0, prior=1.0, spread=2.0)
TOLERANCE = 1e-4  # float32: the order of additions differs


def test_packed_batches_score_every_comparison_once_and_start_at_a_coins_loss(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    comparisons = comparisons[::2] + comparisons[1::2]
    table, tokens = comparison_table(comparisons), small_model.dish_tokens(dishes, ("name", "tags"), 100)
    expected = sorted(scoring.score(small_model, tokens, table, 400, "")[table.chosen_at])
    lines = [tokens.past(past) for answer in comparisons for past in answer.history]
    lines += [tokens.offer(dish) for answer in comparisons for dish in answer.dishes]
    whole = len(table) * len(tokens.header()) + sum(map(len, lines))  # where no comparison shares a line
    for budget in (1, 128, 2000):
        settings = TRAIN.model_copy(update={"sequence_tokens": budget, "sequences_per_step": 5})
        packed = packed_batches(small_model, tokens, table, settings)
        batches, states = packed.batches, packed.states()
        assert packed.steps == len(batches)
        assert 0 < packed.fullness <= 1
        assert sum(batch.comparisons for batch in batches) == len(table)
        assert (sum(batch.tokens for batch in batches) == whole) == (budget == 1)
        chosen = [score for batch in batches for score in batch.scores(states)[batch.targets.chosen].tolist()]
        assert sorted(chosen) == pytest.approx(expected, abs=TOLERANCE)
        for batch in batches:
            loss = objective_loss("dpo", batch.scores(states), batch.with_reference(states).targets)
            assert float(loss.detach()) == pytest.approx(np.log(2))


@pytest.mark.parametrize(("size", "tuned"), [(1, True), (5, False), (100, True)])
def test_vector_batches_score_as_scoring_does_and_share_one_reading_of_the_dishes(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison], size: int, tuned: bool
) -> None:
    rated = [replace(answer, history=(Past("d7", 0, 5.0), *answer.history)) for answer in comparisons]
    table, tokens = comparison_table(rated), small_model.dish_tokens(dishes, ("name", "tags"), 100)
    small_model.network.requires_grad_(False)
    small_model.decoder.layers[1].mlp.down_proj.weight.requires_grad = tuned
    small_model.vectors[b"of earlier weights"] = torch.zeros(4)
    assert CANDIDATE.vectors
    vectors = CANDIDATE.vectors.model_copy(update={"size": 4, "comparisons_per_step": size})
    for scale in (SCALE, RatingScale()):  # the head that the first makes keeps its own scale
        shared = vector_batches(small_model, tokens, table, scale, CANDIDATE, vectors)
        batches, states = shared.batches, shared.states()
        assert (small_model.head and small_model.head.rating_scale, small_model.vectors) == (SCALE, {})
        scores = torch.cat([batch.scores(states) for batch in batches])
        assert scores.requires_grad == tuned
        expected = scoring.score(small_model, tokens, table, 400, "")
        assert scores.detach().numpy() == pytest.approx(expected, abs=TOLERANCE)
    named = [{*part.dishes, *(past.dish_id for past in part.history)} for part in rated]
    parts = np.array_split(np.arange(len(named)), -(-len(named) // size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1  # each is a step, so none may be a small rest
    assert [batch.comparisons for batch in batches] == list(map(len, parts))
    assert shared.tokens == sum(len(tokens.alone(dish)) for dish in set().union(*named))
    assert shared.steps == min(vectors.adapter_steps, len(parts))
    assert shared.fullness == pytest.approx(len(named) / (size * len(parts)))


@pytest.mark.parametrize("at_once", [1, 3, 5])
def test_a_step_reads_some_dishes_anew_and_takes_the_others_as_they_were_last_read(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison], at_once: int
) -> None:
    table, tokens = comparison_table(comparisons), small_model.dish_tokens(dishes, ("name", "tags"), 100)
    small_model.network.requires_grad_(False)
    weight = small_model.decoder.layers[1].mlp.down_proj.weight
    weight.requires_grad = True
    assert CANDIDATE.vectors
    vectors = CANDIDATE.vectors.model_copy(update={"size": 4, "dishes_per_step": at_once})
    shared = vector_batches(small_model, tokens, table, SCALE, CANDIDATE, vectors)
    expected, count = shared.fresh_states().detach(), len(shared.lines)
    read_at = np.zeros(count, int)
    for step in range(1, 2 * count):
        with torch.no_grad():
            weight.mul_(1.1)
        fresh, states = shared.fresh_states().detach(), shared.states()
        (gradients,) = torch.autograd.grad(states.sum(), weight, retain_graph=True)
        anew = ((states.detach() - expected).abs() > TOLERANCE).any(1)
        assert anew.sum() == at_once
        expected[anew] = fresh[anew]
        assert states.detach().numpy() == pytest.approx(expected.numpy(), abs=TOLERANCE)
        assert gradients.abs().sum() > 0
        read_at[anew.numpy()] = step
        assert step - read_at.min() <= -(-count // at_once)  # nobody's turn is left out
    assert shared.tokens == pytest.approx(sum(map(len, shared.lines)) * at_once / count, abs=1)
