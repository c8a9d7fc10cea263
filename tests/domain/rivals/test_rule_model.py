"""A rule that a service asks gives the scores that the night measured, and knows what a new dish is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import question_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish, Past, Question
from components.domain.rivals.fit_stacked_rules import (
    POPULARITY,
    STACKED,
    Fitted,
    best_rule,
    fit_stacked_rules,
)
from components.domain.rivals.rule_model import RuleModel
from components.domain.rivals.words import vocabulary_of
from tests.domain.rivals.tastes import DISHES, accuracy, odd_or_even


def _fitted(train: Comparisons) -> tuple[Fitted, RuleModel]:
    fitted = fit_stacked_rules(DISHES, train, np.isin(train.log.person, train.person), unit="person")
    dishes = tuple(DISHES[dish] for dish in train.log.dishes)
    return fitted, RuleModel(
        best_rule(fitted.means), fitted.alone(best_rule(fitted.means)), dishes, vocabulary_of(dishes)
    )


@pytest.fixture(scope="module")
def tastes() -> tuple[Fitted, RuleModel, Comparisons]:
    train, test = odd_or_even(200, 100)
    return *_fitted(train), test


def _asked(model: RuleModel, test: Comparisons) -> Floats:
    return model.scores(question_table([test.question(number) for number in range(len(test))]), DISHES)


def test_it_gives_the_scores_of_the_table_and_finds_the_taste(
    tastes: tuple[Fitted, RuleModel, Comparisons],
) -> None:
    fitted, model, test = tastes
    assert _asked(model, test) == pytest.approx(
        fitted.alone(best_rule(fitted.means)).scores(DISHES, test, plain=True)
    )
    assert best_rule(fitted.means) != POPULARITY
    assert fitted.means[best_rule(fitted.means)] > fitted.means[POPULARITY]
    assert accuracy(_asked(model, test), test) > 0.8


@given(st.data())
def test_a_dish_is_known_by_id_and_name_or_by_its_text(
    tastes: tuple[Fitted, RuleModel, Comparisons], data: st.DataObject
) -> None:
    _, model, test = tastes
    question = test.question(data.draw(st.integers(0, len(test) - 1)))
    names = {dish: data.draw(st.sampled_from([dish, f"past/{dish}", f"x{dish}"])) for dish in DISHES}
    dishes = {names[dish_id]: replace(dish, dish_id=names[dish_id]) for dish_id, dish in DISHES.items()}
    history = tuple(replace(past, dish_id=names[past.dish_id]) for past in question.history)
    other = Question(question.person_id, history, tuple(names[dish] for dish in question.dishes))
    assert model.scores(question_table([other]), dishes) == pytest.approx(
        model.scores(question_table([question]), DISHES)
    )


def test_an_id_that_another_dish_has_now_brings_none_of_the_old_opinions() -> None:
    train, _ = odd_or_even(200, 1)
    _, model = _fitted(train)
    dishes = {**DISHES, "d0": Dish("d0", "Gazpacho"), "new": Dish("new", "Gazpacho")}
    question = Question("p", (Past("d2", 1), Past("d4", 1)), ("d0", "new", "d6"))
    reused, new, known = model.scores(question_table([question]), dishes)
    assert reused == new != known
    assert not model.knows(dishes["d0"])
    assert model.knows(DISHES["d6"])


def test_random_choices_are_served_by_popularity_alone_or_by_what_wins_on_folds() -> None:
    train, _ = odd_or_even(200, 1)
    draw = np.random.default_rng(0)
    noise = replace(train, chosen=draw.integers(0, train.sizes))
    fitted, model = _fitted(noise)
    assert fitted.means[model.name] == max(fitted.means.values())
    assert all(0.4 < mean < 0.6 for mean in fitted.means.values())
    assert STACKED in fitted.means


def test_a_single_comparison_is_served_by_popularity() -> None:
    train, test = odd_or_even(4, 4)
    _, model = _fitted(train.take([0]))
    assert model.name == POPULARITY
    assert np.isfinite(_asked(model, test)).all()
