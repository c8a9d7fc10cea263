"""A plan by repair keeps every wish, and is found where bounds are narrow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from components.domain.plan import Request, Served
from components.domain.plan.model import model_of
from components.domain.plan.program import Aim, Program
from components.domain.plan.repair import repaired
from components.domain.plan.solve import ROUNDS
from tests.domain.plan.test_plan import requests
from tests.domain.plan.weeks import PATIENCE_S, breaches, dinner, limit, week, worths


def _repaired(request: Request) -> tuple[tuple[Served, ...], float] | None:
    program = Program(model_of(request))
    columns = program.columns
    picked = repaired(program, np.arange(len(columns.dish)), ROUNDS, lambda: PATIENCE_S)
    if picked is None:
        return None
    return columns.served(picked), program.worth(picked, Aim())


@given(requests().filter(lambda request: not model_of(request).columns.short_meals()))
@settings(max_examples=150, deadline=None)
def test_whatever_is_found_breaks_nothing_and_its_worth_is_that_of_its_dishes(request: Request) -> None:
    found = _repaired(request)
    if found:
        served, worth = found
        own = worths(request, served)
        assert breaches(request, served) == []
        assert worth == pytest.approx(sum(own) / len(own), abs=1e-9)


def test_a_week_within_narrow_bounds_is_found_and_is_the_same_again() -> None:
    draw = np.random.default_rng(1)
    kcal, salt, protein = draw.uniform(100, 900, 60), draw.gamma(2, 1, 60), draw.gamma(3, 8, 60)
    meals = [dinner(day, [0, 1], range(60), portions=(0.5, 1.0, 1.5)) for day in range(7) for _ in range(3)]
    bounds = [
        wish
        for eater in range(2)
        for wish in (
            limit("kcal", eater, kcal, 2100), limit("kcal", eater, kcal, 1900, is_least=True),
            limit("salt", eater, salt, 6), limit("protein", eater, protein, 60, is_least=True),
        )
    ]  # fmt: skip
    request = week(draw.random((2, 60)), meals, limits=tuple(bounds))
    found = _repaired(request)
    assert found is not None
    assert breaches(request, found[0]) == []
    assert found == _repaired(request)


def test_wishes_that_contradict_each_other_and_no_time_give_no_plan() -> None:
    wishes = (limit("kcal", 0, [500.0], 400.0), limit("kcal", 0, [500.0], 450.0, is_least=True))
    request = week([[0.5]], [dinner(0, [0], [0])], limits=wishes)
    assert _repaired(request) is None
    program = Program(model_of(week([[0.5]], [dinner(0, [0], [0])])))
    assert repaired(program, np.arange(1), ROUNDS, lambda: 0.0) is None
