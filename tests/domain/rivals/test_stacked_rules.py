"""Stacked, the rules are no worse than the best of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from components.domain.preferences.arrays import Bools
from components.domain.preferences.folds import Unit
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison, Past
from components.domain.rivals.collaborative import FACTORS, NEIGHBOURS, NOISES, PRIORS, SHRINKS
from components.domain.rivals.fit_stacked_rules import fit_stacked_rules
from components.domain.rivals.rules import NAMES_SHARING_A_WORD
from components.domain.rivals.stacked_rules import RULES
from tests.domain.rivals.tastes import COUNT, DISHES, NOW, accuracy, odd_or_even


def _of_train(train: Comparisons) -> Bools:
    return np.isin(train.log.person, train.person)


def test_stacked_rules_find_what_neighbours_find() -> None:
    train, test = odd_or_even(200, 100)
    stacked = fit_stacked_rules(DISHES, train, _of_train(train), unit="person").rules
    assert accuracy(stacked.scores(DISHES, test), test) > 0.8
    assert len(stacked.weights) == len(RULES)


def test_a_dish_of_the_history_is_told_from_its_alternatives() -> None:
    train = []
    for n in range(60):
        dish, other = f"d{n % COUNT}", f"d{(n + 3) % COUNT}"
        train.append(Comparison(f"p{n}", (Past(dish, 1),), (dish, other), f"c{n}", NOW, dish))
    table = comparison_table(train)
    rule = fit_stacked_rules(DISHES, table, _of_train(table), unit="person").rules
    assert accuracy(rule.scores(DISHES, table), table) == 1.0


def test_the_constants_are_chosen_on_folds_that_the_rules_did_not_read() -> None:
    train, _ = odd_or_even(60, 10)
    constants = fit_stacked_rules(DISHES, train, _of_train(train), unit="person").rules.constants
    assert constants.neighbours in itertools.product(NEIGHBOURS, SHRINKS, PRIORS)
    assert constants.factors in itertools.product(FACTORS, NOISES)
    assert constants.sharing in NAMES_SHARING_A_WORD


@pytest.mark.parametrize("unit", ["day", "person", "dish"])
def test_a_single_comparison_is_enough_to_fit_and_says_nothing(unit: Unit) -> None:
    train, test = odd_or_even(4, 4)
    one = train.take([0])
    rule = fit_stacked_rules(DISHES, one, _of_train(one), unit=unit).rules
    assert np.isfinite(rule.scores(DISHES, test)).all()
