"""A plan that keeps an earlier one: the same where nothing changed, and as much of it as wishes allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from components.domain.plan import Kept, Plan, Request, Served, plan_of
from tests.domain.plan.test_plan import requests
from tests.domain.plan.weeks import PATIENCE_S, breaches, dinner, every_plan, solved, ways, week


def _keeping(request: Request, plan: Plan) -> Request:
    """The request after a plan, which it is to keep."""
    meals = []
    for index, meal in enumerate(request.meals):
        kept = [Kept(each.dish, each.eaters, each.portion) for each in plan.served if each.meal == index]
        meals.append(replace(meal, kept=tuple(kept)))
    return replace(request, meals=tuple(meals))


def _share(plan: Plan, served: Sequence[Served]) -> float:
    """Mean over who eats of the share of their dishes that an earlier plan gave them."""
    before = {(each.meal, each.dish, each.portion, eater) for each in plan.served for eater in each.eaters}
    shares = []
    for eater in {eater for each in served for eater in each.eaters}:
        own = [(each.meal, each.dish, each.portion, eater) for each in served if eater in each.eaters]
        shares.append(sum(each in before for each in own) / len(own))
    return sum(shares) / len(shares)


@given(requests().filter(lambda request: ways(request) <= 600))
@settings(max_examples=60, deadline=None)
def test_the_same_plan_comes_back_and_a_changed_wish_changes_as_little_as_it_can(request: Request) -> None:
    plan = plan_of(request, lambda: PATIENCE_S)
    if not isinstance(plan, Plan) or not plan.served:
        return
    again = solved(_keeping(request, plan))
    assert again.served == plan.served
    assert again.worth == pytest.approx(plan.worth, abs=2e-4)
    without = request.permitted.copy()
    without[:, max(each.dish for each in plan.served)] = False
    meals = tuple(replace(meal, locked=()) for meal in request.meals)
    changed = _keeping(replace(request, permitted=without, meals=meals, least_first=False), plan)
    possible = [each for each in every_plan(changed) if not breaches(changed, each)]
    if possible:
        kept = solved(changed)
        assert breaches(changed, kept.served) == []
        assert _share(plan, kept.served) == pytest.approx(max(_share(plan, each) for each in possible))


def test_a_kept_dish_need_not_be_in_the_pool_and_yields_where_it_is_not_permitted() -> None:
    meal = dinner(0, [0], [0], kept=(Kept(1, (0,)),))
    request = week([[0.9, 0.1]], [meal])
    assert [each.dish for each in solved(request).served] == [1]
    request.permitted[0, 1] = False
    assert [each.dish for each in solved(request).served] == [0]
