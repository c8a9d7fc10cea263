"""Random weeks by another solver on a formulation of its own (PuLP with CBC): the same optimum.

PuLP is in no lock: `pip install pulp` into another environment, and name its site-packages in PYTHONPATH.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.domain.plan import Conflict, Plan, Request, plan_of
from tests.domain.plan.weeks import PATIENCE_S, breaches, dinner, limit, week

pulp: Any = pytest.importorskip("pulp", reason="PuLP is in an environment of its own")
# PuLP 3 warns of what PuLP 4 will change.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
WEEKS = 50


def _optimum(request: Request) -> float | None:
    """What the best plan is worth; None where there is none."""
    program, worth = pulp.LpProblem("week", pulp.LpMaximize), []
    portions, sums = defaultdict[tuple[int, int, int], list[Any]](list), list[Any]()
    for index, meal in enumerate(request.meals):
        for eaters in [meal.eaters] if meal.is_shared else [(eater,) for eater in meal.eaters]:
            dishes = [dish for dish in meal.pool.tolist() if request.permitted[list(eaters), dish].all()]
            for dish in dishes:
                for portion in meal.portions:
                    name = f"x_{index}_{eaters[0]}_{dish}_{int(10 * portion)}"
                    variable = pulp.LpVariable(name, cat="Binary")
                    for eater in eaters:
                        portions[index, eater, dish].append((portion, variable))
                program += pulp.lpSum(each for _, each in portions[index, eaters[0], dish]) <= 1
            every = [each for dish in dishes for _, each in portions[index, eaters[0], dish]]
            program += pulp.lpSum(every) == meal.dishes
            for dish in meal.locked:
                program += pulp.lpSum(each for _, each in portions[index, eaters[0], dish]) == 1
    for eater in range(len(request.liking)):
        own = {key: pairs for key, pairs in portions.items() if key[1] == eater}
        count = sum(meal.dishes for meal in request.meals if eater in meal.eaters)
        total = [
            (request.liking[eater, dish] - 0.001 * (portion != 1)) * each
            for (_, _, dish), pairs in own.items()
            for portion, each in pairs
        ]
        worth.append(pulp.lpSum([*total, *_repeats(request, program, eater, own)]) / max(1, count))
        sums += [(each, own) for each in request.limits if each.eater == eater]
    for each, own in sums:
        _limit(request, program, each, own)
    program += pulp.lpSum(worth) / len(worth)
    program.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0, timeLimit=60))
    return float(pulp.value(program.objective)) if pulp.LpStatus[program.status] == "Optimal" else None


def _repeats(request: Request, program: Any, eater: int, own: dict[tuple[int, int, int], Any]) -> list[Any]:
    """Adds the excess of each dish and tag in each window; returns what it takes from the eater's sum."""
    length, taken = request.repeat_after_days, []
    step = max(1, (length + 1) // 2)
    for first in range(0, max(1, request.days - length + step), step) if length else ():
        groups = defaultdict[str, list[Any]](list)
        for (index, _, dish), pairs in own.items():
            if first <= request.meals[index].day < first + length:
                for tag in np.flatnonzero(request.main_tags[dish]):
                    groups[f"tag_{tag}"] += [each for _, each in pairs]
                groups[f"dish_{dish}"] += [each for _, each in pairs]
        for name, variables in groups.items():
            excess = pulp.LpVariable(f"excess_{eater}_{first}_{name}", lowBound=0)
            program += excess >= pulp.lpSum(variables) - 1
            taken.append((-0.1 if name.startswith("tag") else -0.5) * excess)
    return taken


def _limit(request: Request, program: Any, wish: Any, own: dict[tuple[int, int, int], Any]) -> None:
    days = defaultdict[int, list[Any]](list)
    for (index, _, dish), pairs in own.items():
        day = request.meals[index].day if wish.is_daily else 0
        days[day] += [float(wish.values[dish]) * portion * each for portion, each in pairs]
    for terms in days.values():
        program += pulp.lpSum(terms) >= wish.amount if wish.is_least else pulp.lpSum(terms) <= wish.amount


def _week(seed: int) -> Request:
    draw = np.random.default_rng(seed)
    dishes, people, days = int(draw.integers(6, 14)), int(draw.integers(1, 3)), int(draw.integers(2, 6))
    kcal, everybody = draw.uniform(150, 900, dishes), list(range(people))
    meals = [
        dinner(
            day, everybody, np.flatnonzero(draw.random(dishes) < 0.8).tolist(),
            dishes=int(draw.integers(1, 3)), is_shared=bool(draw.random() < 0.5),
            portions=(0.5, 1.0) if draw.random() < 0.3 else (1.0,),
        )
        for day in range(days)
        for _ in range(2)
    ]  # fmt: skip
    meals[0] = replace(meals[0], locked=tuple(meals[0].pool[:1].tolist()))
    wishes = [limit("kcal", eater, kcal, float(draw.uniform(1200, 2500))) for eater in everybody]
    wishes.append(limit("kcal", 0, kcal, float(draw.uniform(400, 1100)), is_least=True))
    return week(
        draw.random((people, dishes)), meals, limits=tuple(wishes), main_tags=draw.random((dishes, 3)) < 0.3,
        permitted=draw.random((people, dishes)) < 0.9, repeat_after_days=int(draw.integers(0, 5)),
    )  # fmt: skip


def test_another_solver_finds_the_same_optimum_or_none_either() -> None:
    plans = 0
    for seed in range(WEEKS):
        request = _week(seed)
        answer, optimum = plan_of(request, lambda: PATIENCE_S), _optimum(request)
        if isinstance(answer, Plan):
            plans += 1
            assert breaches(request, answer.served) == [], seed
            assert answer.worth == pytest.approx(optimum, abs=2e-4), seed
        else:
            assert isinstance(answer, Conflict), seed
            assert optimum is None, seed
    assert plans > WEEKS / 2
