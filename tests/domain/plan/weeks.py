"""Small weeks for the tests, and what a plan of one is worth by arithmetic of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
from hypothesis import settings

from components.domain.plan import Limit, Meal, Plan, Request, Served, plan_of

PATIENCE_S = 60.0
EXAMPLES = max(200, settings.default.max_examples)


def week(liking: Sequence[Sequence[float]], meals: Sequence[Meal], **more: Any) -> Request:
    """A request in which everybody may eat everything and nothing was eaten before."""
    liked = np.array(liking, float)
    people, dishes = liked.shape
    usual = Request(
        days=max((meal.day for meal in meals), default=0) + 1,
        meals=tuple(meals),
        liking=liked,
        permitted=np.ones((people, dishes), bool),
        limits=(),
        main_tags=np.zeros((dishes, 0), bool),
        days_ago=np.full((people, dishes), np.inf),
        enough=0.0,
    )
    return replace(usual, **more)


def dinner(day: int, eaters: Sequence[int], pool: Sequence[int], **more: Any) -> Meal:
    return Meal("dinner", day, tuple(eaters), np.array(pool, np.int64), **more)


def solved(request: Request) -> Plan:
    plan = plan_of(request, lambda: PATIENCE_S)
    assert isinstance(plan, Plan), plan
    return plan


def worths(request: Request, served: Sequence[Served]) -> list[float]:
    """Each eater's mean worth of a dish, by counting what is on the plates; without those who eat nothing."""
    length, result = request.repeat_after_days, []
    step = max(1, (length + 1) // 2)
    last = max(1, request.days - length + step)
    for eater in range(len(request.liking)):
        had = [(request.meals[each.meal].day, each) for each in served if eater in each.eaters]
        total = sum(request.liking[eater, each.dish] - 0.001 * (each.portion != 1) for _, each in had)
        for day, each in had:
            since = request.days_ago[eater, each.dish] + day
            total -= 0.5 * max(0.0, 1 - since / length) if length else 0
        for first in range(0, last, step) if length else ():
            inside = [each.dish for day, each in had if first <= day < first + length]
            total -= 0.5 * sum(inside.count(dish) - 1 for dish in set(inside))
            for tag in request.main_tags.T:
                total -= 0.1 * max(0, sum(bool(tag[dish]) for dish in inside) - 1)
        if had:
            result.append(total / len(had))
    return result


def breaches(request: Request, served: Sequence[Served]) -> list[str]:
    """What a plan breaks, found by adding up its plates one after another."""
    broken = []
    for index, meal in enumerate(request.meals):
        here = [each for each in served if each.meal == index]
        for eater in meal.eaters:
            plate = [each.dish for each in here if eater in each.eaters]
            if len(plate) != meal.dishes or len(set(plate)) != len(plate):
                broken.append(f"meal {index}: {plate}")
            pool = {*meal.pool.tolist(), *meal.locked, *(kept.dish for kept in meal.kept)}
            if not set(plate) <= pool or not set(meal.locked) <= set(plate):
                broken.append(f"pool or lock of meal {index}: {plate}")
            broken += [f"{eater} may not eat {dish}" for dish in plate if not request.permitted[eater, dish]]
        broken += [f"portion {each.portion}" for each in here if each.portion not in meal.portions]
    for limit in request.limits:
        sums: dict[int, float] = {}
        for each in served:
            if limit.eater in each.eaters and (not limit.meals or each.meal in limit.meals):
                day = request.meals[each.meal].day if limit.is_daily else 0
                span = each.meal if limit.meals else day
                portion = each.portion if limit.by_portion else 1
                sums[span] = sums.get(span, 0.0) + float(limit.values[each.dish]) * portion
        for amount in sums.values():
            inside = amount >= limit.amount - 1e-6 if limit.is_least else amount <= limit.amount + 1e-6
            if not inside:  # so is NaN, the sum with an unknown dish
                broken.append(f"{limit.name} of {limit.eater}: {amount} against {limit.amount}")
    return broken


def _plates(request: Request) -> list[list[list[Served]]]:
    """For each plate all that may be on it, whatever it breaks."""
    plates = []
    for index, meal in enumerate(request.meals):
        dishes = sorted({*meal.pool.tolist(), *meal.locked, *(kept.dish for kept in meal.kept)})
        for eaters in [meal.eaters] if meal.is_shared else [(eater,) for eater in meal.eaters]:
            plates.append(
                [
                    [Served(index, dish, portion, eaters) for dish, portion in zip(some, sizes, strict=True)]
                    for some in combinations(dishes, meal.dishes)
                    for sizes in product(meal.portions, repeat=meal.dishes)
                ]
            )
    return plates


def ways(request: Request) -> int:
    """How many plans there are to try."""
    return prod(len(plate) for plate in _plates(request))


def every_plan(request: Request) -> Iterator[list[Served]]:
    """All ways to fill the plates, whatever they break."""
    for choice in product(*_plates(request)):
        yield [each for plate in choice for each in plate]


def best(request: Request) -> float | None:
    """The most that any plan is worth; None where all of them break something."""
    whole = [worths(request, plan) for plan in every_plan(request) if not breaches(request, plan)]
    if not whole:
        return None
    if request.least_first:
        least = max(min(each) for each in whole)
        whole = [each for each in whole if min(each) >= least - 1e-6]
    return max(sum(each) / len(each) for each in whole)


def limit(name: str, eater: int, values: Sequence[float], amount: float, **more: Any) -> Limit:
    return Limit(name, eater, np.array(values, float), amount, **{"is_least": False, **more})
