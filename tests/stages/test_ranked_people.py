"""The evaluation counts people whom text factors rank better than chance, by their own opinions alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom

from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.closed_form import give_text_factors
from components.domain.records import LIKED, Comparison, Dish, Past
from components.domain.training_params import CandidateParams, FactorParams
from components.integrations import adapters, base_models
from components.stages.contenders import Setting
from components.stages.paths import ADAPTERS, BASE
from components.stages.ranked_people import ranked_people
from tests.conftest import REPO
from tests.serving.conftest import CANDIDATE, FIELDS

PEOPLE, DISHES = 30, 24
FACTORS = CandidateParams(
    method="none", factors=FactorParams(size=8, template="Dish: {dish}. It tastes", layer=1)
)
MENU = {
    f"d{number:02}": Dish(f"d{number:02}", f"Number {number}", tags=("meat" if number % 2 else "vegetarian",))
    for number in range(DISHES)
}


def _raters() -> Comparisons:
    """Thirty people who like either meat or none, and rate every dish."""
    draw, comparisons = np.random.default_rng(1), []
    for person in range(PEOPLE):
        stars = {dish: 4.0 if number % 2 == person % 2 else 2.0 for number, dish in enumerate(MENU)}
        history = tuple(Past(dish, LIKED, stars[dish] + draw.integers(0, 2)) for dish in MENU)
        offer = ("d00", "d01") if person % 2 else ("d01", "d00")
        at = datetime(2026, 1, 1, tzinfo=UTC)
        comparisons.append(Comparison(f"p{person:02}", history, offer, f"p{person:02}", at, offer[1]))
    return comparison_table(comparisons)


@pytest.fixture
def table(small_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparisons:
    """What thirty people rated; the working folder has a base, and text factors that were fitted to it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_base, BASE)
    model, table = base_models.load(BASE, torch.float32, torch.device("cpu")), _raters()
    network = adapters.attach(model.network, FACTORS, 1)
    assert FACTORS.factors
    every = np.ones(len(table.log), bool)
    give_text_factors(model, model.dish_tokens(MENU, FIELDS), table, every, FACTORS.factors, "person")
    adapters.save(network, model.head, ADAPTERS / "factors", "small")
    return table


def _setting(test: Comparisons, **candidates: CandidateParams) -> Setting:
    params = read_params(REPO / "params.yaml")
    prompt = params.prompt.model_copy(update={"dish_fields": FIELDS})
    train = params.train.model_copy(update={"candidates": candidates})
    params = params.model_copy(update={"prompt": prompt, "train": train})
    every = np.ones(len(test.log), bool)
    return Setting(params, MENU, test, test, every, RatingScale(), np.ones(len(test), bool), ())


def _with_ratings(test: Comparisons, ratings: Floats) -> Comparisons:
    return replace(test, log=replace(test.log, rating=ratings.ravel()))


def test_people_with_clear_tastes_are_counted_and_those_without_are_few(table: Comparisons) -> None:
    known = ranked_people(_setting(table, vectors=CANDIDATE, factors=FACTORS))
    assert known
    assert (known.candidate, known.tested) == ("factors", PEOPLE)
    at_random = np.random.default_rng(1).permuted(table.log.rating.reshape(PEOPLE, DISHES), axis=1)
    unknown = ranked_people(_setting(_with_ratings(table, at_random), factors=FACTORS))
    assert unknown
    assert unknown.tested == PEOPLE
    assert unknown.better <= binom.ppf(0.999, PEOPLE, 0.05) < known.better


def test_nobody_is_tested_without_text_factors_or_opinions(table: Comparisons) -> None:
    assert ranked_people(_setting(table, vectors=CANDIDATE)) is None
    likes_alone = np.full(len(table.log), np.nan)
    assert ranked_people(_setting(_with_ratings(table, likes_alone), factors=FACTORS)) is None


def test_what_training_may_not_know_is_left_out(table: Comparisons) -> None:
    setting = _setting(table, factors=FACTORS)
    half = replace(setting, may_know=np.arange(len(table.log)) < len(table.log) // 2)
    people = ranked_people(half)
    assert people
    assert people.tested == PEOPLE // 2
