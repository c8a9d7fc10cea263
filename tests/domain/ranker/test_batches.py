"""Batches hold every comparison once, and score as scoring does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.batches import vector_batches
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish, Past
from components.integrations import scoring
from tests.conftest import REPO

TRAIN = read_params(REPO / "params.yaml").train
CANDIDATE = TRAIN.candidates["vectors"].model_copy(update={"layers": (1, 2)})
SCALE = RatingScale(mean=3.0, prior=1.0, spread=2.0)
TOLERANCE = 1e-4  # float32: the order of additions differs


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
        expected = scoring.score(small_model, tokens, table)
        assert scores.detach().numpy() == pytest.approx(expected, abs=TOLERANCE)
    named = [{*part.dishes, *(past.dish_id for past in part.history)} for part in rated]
    parts = np.array_split(np.arange(len(named)), -(-len(named) // size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1  # each is a step, so none may be a small rest
    assert [len(batch.chosen) for batch in batches] == list(map(len, parts))
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
