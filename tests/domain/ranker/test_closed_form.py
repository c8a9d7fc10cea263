"""Dishes are read once, twins are found by what is read, and the head ranks as the fit does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from components.domain.errors import BadParams
from components.domain.ranker.closed_form import give_text_factors, read_dishes
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import Reading, readings_of
from components.domain.records import Dish
from components.domain.training_params import FactorParams
from components.integrations import scoring
from tests.domain.rivals.tastes import DISHES, odd_or_even


@pytest.mark.parametrize("reading", [Reading(), Reading(layer=1)])
def test_equal_lines_are_twins_and_the_others_have_the_vectors_that_they_have_alone(
    small_model: LanguageModel, reading: Reading
) -> None:
    lines = [(5, 6, 7), (8,), (5, 6, 7), (9, 5)]
    dishes = read_dishes(lines, reading, partial(hidden_states, small_model))
    assert dishes.first.tolist() == [0, 1, 0, 3]
    assert np.array_equal(dishes.vectors[0], dishes.vectors[2])
    for line, vector in zip(lines, dishes.vectors, strict=True):
        alone = hidden_states(small_model, [line], reading=reading)[0].double().numpy()
        assert vector[: len(alone)] == pytest.approx(alone, abs=1e-4)
        words = dishes.words.vectors([line])[0].double().numpy()
        assert vector[len(alone) :] == pytest.approx(words, abs=1e-6)


def test_the_models_scores_are_those_of_the_fit(small_model: LanguageModel) -> None:
    train, test = odd_or_even(60, 20)
    names = {dish: Dish(dish, f"meal {number * 7919}") for number, dish in enumerate(DISHES)}
    tokens, factors = (
        small_model.dish_tokens(names, ("name",), 5),
        FactorParams(size=6, template="{dish}!", layer=1),
    )
    may_know = np.isin(train.log.person, train.person)
    fitted = give_text_factors(small_model, tokens, train, may_know, factors, "person")
    scores = scoring.score(small_model, tokens, test)
    assert scores == pytest.approx(fitted.scores(test), abs=1e-3)
    assert fitted.comparisons > 0
    assert 0.5 < fitted.accuracy <= 1


def test_folds_choose_the_reading_that_tells_tastes_apart_and_the_default_where_none_does(
    small_model: LanguageModel,
) -> None:
    train, _ = odd_or_even(100, 2)
    tokens, may_know = small_model.dish_tokens(DISHES, ("name",), 5), np.isin(train.log.person, train.person)
    default, *_, last = readings_of(len(small_model.decoder.layers))

    def chosen(telling: Reading) -> Reading:
        def states(lines: Sequence[Sequence[int]], *, reading: Reading) -> Tensor:
            by_taste = torch.tensor([[float(number % 2), 1.0] for number in range(len(lines))])
            return by_taste if reading == telling else torch.ones(len(lines), 2)

        factors = FactorParams(size=6)
        give_text_factors(small_model, tokens, train, may_know, factors, "dish", states)
        assert small_model.head
        return small_model.head.reading

    assert chosen(last) == last
    assert chosen(default) == default
    assert chosen(Reading("{dish}")) == default  # of no reading, so all know equally little


def test_a_layer_that_the_base_does_not_have_is_named(small_model: LanguageModel) -> None:
    train, _ = odd_or_even(8, 2)
    tokens = small_model.dish_tokens(DISHES, ("name",), 5)
    factors, may_know = FactorParams(size=6, template="{dish}!", layer=3), np.ones(len(train.log), bool)
    with pytest.raises(BadParams, match=r"has 2 layers and .* factors\.layer is 3"):
        give_text_factors(small_model, tokens, train, may_know, factors, "person")
