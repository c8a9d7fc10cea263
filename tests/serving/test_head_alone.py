"""A head alone is saved, merged and proven like an adapter, and a service without it is noticed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import of_everything
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.dish_table import DishTable
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import LIKED, Comparison, Past
from components.domain.training_params import CandidateParams, FactorParams
from components.domain.verdict import canary
from components.domain.verdict.metrics import comparison_metrics
from components.integrations import adapters, base_models, finetuning, scoring, tuned_weights
from components.stages.canary import with_scores
from tests.conftest import eight_dishes
from tests.serving.conftest import CANDIDATE, FIELDS

ALONE = CANDIDATE.model_copy(update={"method": "none"})
FACTORS = CandidateParams(
    method="none", factors=FactorParams(size=4, template="Dish: {dish}. It tastes", layer=1)
)
CANDIDATES = pytest.mark.parametrize("candidate", [ALONE, FACTORS], ids=["vectors", "factors"])


def _load(base: Path) -> LanguageModel:
    return base_models.load(base, torch.float32, torch.device("cpu"))


def _raters(people: int = 40) -> Comparisons:
    """People who like either meat or none; what they compare is not in their histories."""
    draw = random.Random(1)
    comparisons = []
    for person in range(people):
        ratings = {f"d{n}": (5.0 if (n < 4) == person % 2 else 2.0) + draw.random() for n in range(8)}
        order = draw.sample(sorted(ratings), 8)
        one, other = sorted(order[:2], key=ratings.__getitem__)
        history = tuple(Past(dish, LIKED, ratings[dish]) for dish in order[2:])
        at = datetime(2026, 1, 1, tzinfo=UTC)
        comparisons.append(Comparison(f"p{person}", history, (one, other), f"p{person}", at, other))
    return comparison_table(comparisons)


def train(base: Path, folder: Path, candidate: CandidateParams, people: int = 40) -> LanguageModel:
    model = _load(base)
    before = {name: weight.clone() for name, weight in model.network.named_parameters()}
    network = adapters.attach(model.network, candidate, 1)
    tokens, table = model.dish_tokens(eight_dishes(), FIELDS), _raters(people)
    may_know = np.ones(len(table.log), bool)
    if candidate.factors:
        give_text_factors(model, tokens, table, may_know, candidate.factors, "person")
    else:
        plan = of_everything(table, candidate).with_epochs(30)
        finetuning.fit(model, tokens, plan, RatingScale(), candidate, 7, str)
    assert all(torch.equal(weight, before[name]) for name, weight in model.network.named_parameters())
    adapters.save(network, model.head, folder, "small")
    return model


def _stored(base: Path, folder: Path) -> list[canary.CanaryQuestion]:
    dishes = eight_dishes()
    questions = canary.made_up_questions(list(dishes), 4, 2)
    return with_scores(questions, dishes, FIELDS, base, folder)


def _served(model: LanguageModel, stored: list[canary.CanaryQuestion]) -> list[list[float]]:
    tokens = model.dish_tokens(eight_dishes(), FIELDS)
    questions = canary.made_up_questions(list(eight_dishes()), 4, 2)
    assert len(questions) == len(stored)
    return [scoring.score_question(model, tokens, question) for question in questions]


def _merged(base: Path, folder: Path) -> LanguageModel:
    model = _load(base)
    tuned_weights.add(model, folder)
    return model


@CANDIDATES
def test_its_canary_passes_with_the_head_and_fails_without(
    small_base: Path, tmp_path: Path, candidate: CandidateParams
) -> None:
    train(small_base, tmp_path, candidate)
    assert json.loads((tmp_path / adapters.CONFIG).read_text())["method"] == "none"
    stored, model = _stored(small_base, tmp_path), _merged(small_base, tmp_path)
    assert canary.why_wrong(stored, _served(model, stored)) is None
    model.head = None
    assert "off the version's" in str(canary.why_wrong(stored, _served(model, stored)))


@CANDIDATES
def test_a_service_that_forgets_the_history_is_noticed(
    small_base: Path, tmp_path: Path, candidate: CandidateParams
) -> None:
    train(small_base, tmp_path, candidate)
    stored = _stored(small_base, tmp_path)
    of_nobody = [list(question.base) for question in stored]
    assert "nearer to the untuned base" in str(canary.why_wrong(stored, of_nobody))


@CANDIDATES
def test_another_base_and_another_reading_are_noticed(
    small_base: Path, tmp_path: Path, candidate: CandidateParams
) -> None:
    train(small_base, tmp_path, candidate)
    stored, model = _stored(small_base, tmp_path), _merged(small_base, tmp_path)
    if candidate.factors:
        model.head = replace(model.head, layer=torch.tensor(2))
        assert "off the version's" in str(canary.why_wrong(stored, _served(model, stored)))
    model = _merged(small_base, tmp_path)
    for weight in model.network.parameters():
        weight.data += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3))
    assert "off the version's" in str(canary.why_wrong(stored, _served(model, stored)))


def test_any_changed_tensor_of_text_factors_is_noticed(small_base: Path, tmp_path: Path) -> None:
    """Every one of them that changes a score of the people whom the head was fitted to."""
    head, table = train(small_base, tmp_path, FACTORS).head, _raters()
    stored, model = _stored(small_base, tmp_path), _merged(small_base, tmp_path)
    assert isinstance(head, TextFactors)
    tokens = model.dish_tokens(eight_dishes(), FIELDS)
    right, changing = scoring.score(model, tokens, table), set()
    for name, tensor in head.tensors().items():
        if tensor.is_floating_point():
            model.head, model.vectors = replace(head, **{name: tensor * 1.5}), {}
            if np.abs(scoring.score(model, tokens, table) - right).max() > 0.05:
                changing.add(name)
                assert canary.why_wrong(stored, _served(model, stored)), name
    assert {"centre", "projection", "residual", "noise", "weights", "spread"} <= changing


def test_text_factors_fitted_twice_are_the_same_byte_for_byte(small_base: Path, tmp_path: Path) -> None:
    for folder in ("one", "other"):
        train(small_base, tmp_path / folder, FACTORS)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "other" / file.name).read_bytes()


def test_text_factors_learn_who_eats_meat(small_base: Path, tmp_path: Path) -> None:
    model, table = train(small_base, tmp_path, FACTORS, people=200), _raters(200)
    tokens = model.dish_tokens(eight_dishes(), FIELDS)
    scores = scoring.score(model, tokens, table)
    assert comparison_metrics(scores, table)[:, 0].mean() > 0.7


@CANDIDATES
def test_a_table_scores_as_one_menu_does_and_its_packed_vectors_too(
    small_base: Path, tmp_path: Path, candidate: CandidateParams
) -> None:
    model, dishes = train(small_base, tmp_path, candidate), eight_dishes()
    assert model.head
    question = canary.made_up_questions(list(dishes), 4, 2)[-1]
    question = replace(question, dishes=tuple(dishes))
    as_menu = scoring.score_question(model, model.dish_tokens(dishes, FIELDS), question)
    packed = dict[bytes, torch.Tensor]()
    for read in (len(dishes), 0):
        table = DishTable(replace(model, vectors={}), model.head, FIELDS, 400, packed)
        table.show(list(dishes.values()))
        assert int(table.is_read(table.rows).sum()) == len(dishes) - read
        table.read(table.rows, 100, 1000)
        scores = table.scores(question.history, dishes)[table.rows]
        assert scores.tolist() == pytest.approx(as_menu, abs=1e-4)
        packed = table.by_name()
