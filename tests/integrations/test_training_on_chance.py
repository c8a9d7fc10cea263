"""What is trained on random data stands at one half, too: training sees no answer that it is tested on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.shapes import RANDOM
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.preferences.training_plan import of_everything
from components.domain.records import Dish
from components.domain.training_params import CandidateParams, VectorParams
from components.domain.verdict.metrics import comparison_metrics, per_person
from components.integrations import adapters, base_models, finetuning, scoring
from tests.domain.rivals.chance import split_events

pytestmark = pytest.mark.slow
SEEDS = 20
SHAPES = [
    ("a menu a day", "time"),
    ("a standing card", "time"),
    ("lunch and dinner on one card", "time"),
    ("rolling menus", "time"),
    ("ratings", "time"),
    ("ratings", "within_person"),
    ("ratings", "source"),
    ("dishes rated again", "within_person"),
]
CANDIDATE = CandidateParams(
    rank=4, alpha=8, targets=("q_proj", "v_proj"), layers=(1, 2), learning_rate=0.01, warmup_share=0.1,
    comparisons=400, epochs=3,
    vectors=VectorParams(size=4, learning_rate=0.05, weight_decay=0.1, comparisons_per_step=100),
)  # fmt: skip


def _accuracy(base: Path, shape: str, by: str, seed: int) -> float:
    """Pair accuracy per person of a candidate that was trained on one random set."""
    events = RANDOM[shape](seed + 200)
    split = split_events(events, by)
    dishes = {dish: Dish(dish, f"dish {dish}") for dish in events.dishes}
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    adapters.attach(model.network, CANDIDATE, seed)
    tokens = model.dish_tokens(dishes, ("name",), 24)
    ratings = rating_scale(known_opinions(split.train.log, split.may_know))
    few = np.random.default_rng(seed).permutation(len(split.train))[: CANDIDATE.comparisons]
    finetuning.fit(
        model,
        tokens,
        of_everything(split.train.take(few), CANDIDATE).with_epochs(CANDIDATE.epochs),
        ratings,
        CANDIDATE,
        7,
        lambda _step: None,
    )
    model.vectors.clear()
    scores = scoring.score(model, tokens, split.test)
    people = per_person(comparison_metrics(scores, split.test), split.test)
    return float(np.mean([metrics[0] for metrics in people.values()]))


@pytest.mark.parametrize(("shape", "by"), SHAPES)
def test_a_model_trained_on_random_data_is_right_half_the_time(small_base: Path, shape: str, by: str) -> None:
    values = [_accuracy(small_base, shape, by, seed) for seed in range(SEEDS)]
    error = np.std(values) / SEEDS**0.5
    assert abs(np.mean(values) - 0.5) < 0.01 + 2 * error, values
