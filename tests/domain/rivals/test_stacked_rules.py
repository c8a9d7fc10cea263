"""Stacked, the rules are no worse than the best of them."""

from __future__ import annotations

import numpy as np

from components.domain.preferences.from_records import comparison_table
from components.domain.records import Comparison, Past
from components.domain.rivals.stacked_rules import RULES, fit_stacked_rules
from tests.domain.rivals.tastes import COUNT, DISHES, NOW, accuracy, odd_or_even


def test_stacked_rules_find_what_neighbours_find() -> None:
    train, test = odd_or_even(200, 100)
    stacked = fit_stacked_rules(DISHES, train, train.person)
    assert accuracy(stacked.scores(DISHES, test), test) > 0.8
    assert len(stacked.weights) == len(RULES)


def test_a_dish_of_the_history_is_told_from_its_alternatives() -> None:
    train = []
    for n in range(60):
        dish, other = f"d{n % COUNT}", f"d{(n + 3) % COUNT}"
        train.append(Comparison(f"p{n}", (Past(dish, 1),), (dish, other), f"c{n}", NOW, dish))
    table = comparison_table(train)
    rule = fit_stacked_rules(DISHES, table, table.person)
    assert accuracy(rule.scores(DISHES, table), table) == 1.0


def test_the_weights_are_fitted_on_comparisons_that_the_rules_did_not_read() -> None:
    train, _ = odd_or_even(40, 10)
    one_fold = np.zeros(len(train), np.int64)
    one_fold[: len(train) // 2] = 1
    stacked = fit_stacked_rules(DISHES, train, one_fold)
    assert np.isfinite(stacked.weights).all()
