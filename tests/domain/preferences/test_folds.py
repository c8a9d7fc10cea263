"""Folds divide a training period as the test is divided from it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from components.domain.params_file import read_params
from components.domain.preferences.comparisons import compare
from components.domain.preferences.dish_split import split_by_dish
from components.domain.preferences.folds import Unit, folds_of, unit_of
from tests.conftest import REPO
from tests.domain.preferences.opinion_logs import Line, log_of
from tests.domain.rivals.tastes import NOW, odd_or_even

RATED = log_of(
    [
        Line(f"p{person}", f"d{dish}", NOW + timedelta(days=dish), rating=float((person + dish) % 5))
        for person in range(6)
        for dish in range(15)
    ],
    {},
)


@pytest.mark.parametrize("unit", ["day", "person"])
def test_every_comparison_is_new_in_one_fold_and_training_in_the_others(unit: Unit) -> None:
    table = compare(RATED, 0)
    may_know = np.ones(len(table.log), bool)
    folds = list(folds_of(table, may_know, unit, 4))
    assert sorted(key for fold in folds for key in fold.new.key) == sorted(table.key)
    for fold in folds:
        assert len(fold.new) + len(fold.train) == len(table)
        values = {"day": lambda part: part.day, "person": lambda part: part.person}[unit]
        assert not set(values(fold.new).tolist()) & set(values(fold.train).tolist())


def test_a_fold_of_dishes_asks_for_dishes_that_nothing_else_in_it_names() -> None:
    split = split_by_dish(RATED, np.arange(15) % 3 == 0, frozenset(), 1, 0)
    folds = list(folds_of(split.train, split.may_know, "dish", 3))
    assert len(folds) > 1
    for fold in folds:
        new = set(fold.new.offered.tolist())
        assert not new & set(fold.train.offered.tolist())
        assert not new & set(fold.train.log.dish[fold.may_know].tolist())
        assert not new & set(fold.new.log.dish[fold.new.lines.line].tolist())
        assert new <= set(fold.hidden.tolist())


@pytest.mark.parametrize("unit", ["day", "person", "dish"])
def test_a_period_that_cannot_be_divided_has_no_fold(unit: Unit) -> None:
    train, _ = odd_or_even(8, 2)
    one = train.take([0])
    assert list(folds_of(one, np.ones(len(one.log), bool), unit, 5)) == []


@pytest.mark.parametrize(
    ("by", "unit"), [("time", "day"), ("dish", "dish"), ("source", "person"), ("within_person", "person")]
)
def test_the_unit_is_what_is_new_in_the_test(by: str, unit: str) -> None:
    split = read_params(REPO / "params.yaml").split
    assert unit_of(split.model_copy(update={"by": by})) == unit
