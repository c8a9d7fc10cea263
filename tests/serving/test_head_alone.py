"""A head alone is saved, merged and proven like an adapter, and a service without it is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.language_model import LanguageModel
from components.domain.verdict import canary
from components.integrations import adapters, base_models, finetuning, scoring
from components.stages.canary import with_scores
from tests.conftest import REPO, eight_dishes, twelve_comparisons
from tests.serving.conftest import CANDIDATE, FIELDS, HEAD

ALONE = CANDIDATE.model_copy(update={"method": "none", "vectors": HEAD})
TOLERANCE = 0.005


def _load(base: Path) -> LanguageModel:
    return base_models.load(base, torch.float32, torch.device("cpu"))


def _train(base: Path, folder: Path) -> None:
    model = _load(base)
    before = {name: weight.clone() for name, weight in model.network.named_parameters()}
    network = adapters.attach(model.network, ALONE, 1)
    tokens = model.dish_tokens(eight_dishes(), FIELDS, 3)
    settings, table = read_params(REPO / "params.yaml").train, comparison_table(twelve_comparisons())
    finetuning.fit(model, tokens, table, RatingScale(), ALONE, settings, 30, str)
    assert all(torch.equal(weight, before[name]) for name, weight in model.network.named_parameters())
    adapters.save(network, model.head, folder, "small")


def test_its_canary_passes_with_the_head_and_fails_without(small_base: Path, tmp_path: Path) -> None:
    _train(small_base, tmp_path)
    assert json.loads((tmp_path / adapters.CONFIG).read_text())["method"] == "none"
    dishes = eight_dishes()
    questions = canary.made_up_questions(list(dishes), 4, 2)
    stored = with_scores(questions, dishes, FIELDS, 3, small_base, tmp_path)
    model = _load(small_base)
    for weight in adapters.merged(model, tmp_path).parameters():
        weight.data = weight.data.half().float()
    tokens = model.dish_tokens(dishes, FIELDS, 3)
    served = [scoring.score_question(model, tokens, question) for question in questions]
    assert canary.why_wrong(stored, served, TOLERANCE) is None
    model.head = None
    without = [scoring.score_question(model, tokens, question) for question in questions]
    assert "off the adapter's" in str(canary.why_wrong(stored, without, TOLERANCE))
