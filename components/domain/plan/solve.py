"""The best plan: one by repair, and what mixed-integer programming makes of the columns that can matter.

Of a large catalogue most columns are left out. The duals of the linear relaxation tell what each of them
could add at most, so the bound on the worth is proven for all columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse.csgraph import connected_components

from components.domain.plan.conflicts import conflict_of
from components.domain.plan.model import Columns, Model, model_of
from components.domain.plan.program import Aim, Program
from components.domain.plan.repair import repaired
from components.domain.plan.request import OPTIMAL, Conflict, Plan, Request, Served
from components.domain.preferences.arrays import Bools, Floats, Ints

SMALL = 2_000  # columns that are solved at once
AT_ONCE = 40  # columns a plate that a round adds
ROUNDS, MORE_ROUNDS = 60, 2_000  # of repair before the search, and where the search ends without a proof
SEARCHING = 0.7  # share of the time that is left for the search; the rest is for more repair
FOR_REPAIR = 300  # columns a plate among which dishes are exchanged
_TINY = 1e-7
_TIME_OVER, _INFEASIBLE = 1, 2  # status of SciPy's result
SecondsLeft = Callable[[], float]


@dataclass(frozen=True, eq=False)
class _Found:
    columns: Ints
    worth: float
    bound: float
    kept: float  # part of both
    stopped_early: bool = False

    @property
    def gap(self) -> float:
        return max(0.0, self.bound - self.worth) / max(abs(self.bound - self.kept), _TINY)


def plan_of(request: Request, seconds_left: SecondsLeft) -> Plan | Conflict | None:
    """Finds the best plan, or why there is none; None if time ended before either was known.

    Eaters who share no meal, not even through others, are planned one group after another.

    Args:
        request: What is asked.
        seconds_left: Tells how many seconds may still be spent; it may raise to end the search.
    """
    groups = _groups(request)
    models = [model_of(_only(request, group)) for group in groups]
    short = {meal for model in models for meal in model.columns.short_meals()}
    if short:
        return Conflict(short_meals=tuple(sorted(short)))
    plans, eaters = list[Plan](), [len(group) for group in groups]
    for index, model in enumerate(models):
        share = len(groups) - index
        plan = _plan_of_group(model, lambda share=share: seconds_left() / share)  # type: ignore[misc]
        if not isinstance(plan, Plan):
            return plan
        plans.append(plan)
    if not plans:
        return Plan((), 0.0, 0.0, stopped_early=False)
    served = sorted((each for plan in plans for each in plan.served), key=_place)
    worth = float(np.average([plan.worth for plan in plans], weights=eaters))
    gap = max(plan.gap for plan in plans)
    return Plan(tuple(served), worth, gap, any(plan.stopped_early for plan in plans))


def _groups(request: Request) -> list[tuple[int, ...]]:
    """Groups eaters who share meals; all are one group where the least satisfied one may be in any."""
    shares = np.zeros((len(request.liking),) * 2, bool)
    for meal in request.meals:
        for eater in meal.eaters:
            shares[eater, list(meal.eaters) if meal.is_shared else [eater]] = True
    count, group_of = connected_components(shares, directed=False)
    eat = np.flatnonzero(shares.any(axis=1))
    groups = [tuple(int(each) for each in eat[group_of[eat] == group]) for group in range(count)]
    groups = [group for group in groups if group]
    if request.least_first and any(len(group) > 1 for group in groups):
        return [tuple(int(each) for each in eat)]
    return groups


def _only(request: Request, eaters: tuple[int, ...]) -> Request:
    """Takes the meals and limits of some eaters; meals keep their positions."""
    meals = [replace(meal, eaters=tuple(set(meal.eaters) & set(eaters))) for meal in request.meals]
    meals = [replace(meal, is_shared=meal.is_shared and bool(meal.eaters)) for meal in meals]
    limits = tuple(limit for limit in request.limits if limit.eater in eaters)
    return replace(request, meals=tuple(meals), limits=limits)


def _plan_of_group(model: Model, seconds_left: SecondsLeft) -> Plan | Conflict | None:
    program = Program(model)
    if not model.columns.request.least_first:
        found = _best(program, Aim(), seconds_left)
        least_gap = 0.0
    else:
        least = _best(program, Aim(is_least=True), lambda: seconds_left() / 2)
        found = least and _best(program, Aim(floor=least.worth - _TINY), seconds_left)
        least_gap = least.gap if least else 0.0
    if found is None:
        return conflict_of(model, seconds_left) if seconds_left() > 0 else None
    gap = max(found.gap, least_gap)
    return Plan(program.columns.served(found.columns), found.worth - found.kept, gap, found.stopped_early)


def _place(served: Served) -> tuple[int, tuple[int, ...], int]:
    return served.meal, served.eaters, served.dish


def _best(program: Program, aim: Aim, seconds_left: SecondsLeft) -> _Found | None:
    """Finds the best columns for an aim; None if there are none, or if time ended before any were found."""
    columns = program.columns
    chosen, most, reduced = _priced(program, aim, seconds_left)
    found = _by_repair(program, aim, chosen, most, ROUNDS, seconds_left)
    while seconds_left() > 0:
        if found and found.gap <= max(OPTIMAL, columns.request.enough):
            return found
        result = program.solved(np.flatnonzero(chosen), aim, SEARCHING * seconds_left())
        if result.x is None and result.status == _INFEASIBLE and not chosen.all():
            chosen = np.ones(len(chosen), bool)
            continue
        left_out = most + reduced[~chosen].max(initial=-np.inf)  # no plan with one of them is worth more
        if result.x is not None:
            picked = np.flatnonzero(chosen)[result.x[: chosen.sum()] > 0.5]
            found = _better(found, _Found(picked, -result.fun, np.inf, program.kept[picked].sum()))
        if result.status == _TIME_OVER:
            more = _by_repair(program, aim, chosen, most, MORE_ROUNDS, seconds_left)
            found = _better(found, more) if more else found
        if found is None:
            return None
        if result.mip_dual_bound is not None:
            bound = max(-result.mip_dual_bound, left_out, found.worth)
            found = replace(found, bound=min(found.bound, bound))
        could_help = ~chosen & (most + reduced > found.worth)
        if result.status or not could_help.any():
            return replace(found, stopped_early=result.status == _TIME_OVER)
        chosen = chosen | _first(columns, reduced, could_help, AT_ONCE)
    return found and replace(found, stopped_early=True)


def _by_repair(
    program: Program, aim: Aim, chosen: Bools, most: float, rounds: int, seconds_left: SecondsLeft
) -> _Found | None:
    """Finds a plan by exchanging dishes; `most` is what any plan is worth at most, or -inf."""
    columns = program.columns
    likely = _first(columns, program.liking, chosen, FOR_REPAIR)
    picked = repaired(program, np.flatnonzero(likely), rounds, seconds_left)
    if picked is None or np.isinf(worth := program.worth(picked, aim)):
        return None
    if np.isinf(most):
        most = sum(
            np.sort(program.liking[columns.plate == index])[-plate.dishes :].sum()
            for index, plate in enumerate(columns.plates)
        )
    return _Found(picked, worth, max(most, worth), program.kept[picked].sum())


def _better(one: _Found | None, other: _Found) -> _Found:
    return one if one and one.worth >= other.worth else other


def _priced(program: Program, aim: Aim, seconds_left: SecondsLeft) -> tuple[Bools, float, Floats]:
    """Chooses columns that may be in a best plan.

    Returns which ones (N,), the most that any plan is worth, and by how much that falls with each column.
    """
    columns = program.columns
    everything = np.ones(len(columns.dish), bool)
    nothing_known = everything, -np.inf, np.zeros(len(everything))
    if len(everything) <= SMALL:
        return nothing_known
    chosen = _first(columns, program.liking, everything, AT_ONCE)
    while True:
        priced = program.relaxed(np.flatnonzero(chosen), aim, max(0.0, seconds_left()))
        if priced is None or seconds_left() <= 0:
            return nothing_known
        most, broken, reduced = priced
        missing = ~chosen & (reduced > _TINY)
        if not missing.any():
            break
        chosen = chosen | _first(columns, reduced, missing, AT_ONCE)
    if broken > _TINY:
        return nothing_known
    return chosen | _first(columns, reduced, everything, AT_ONCE), most, np.minimum(reduced, 0)


def _first(columns: Columns, value: Floats, among: Bools, count: int) -> Bools:
    """Chooses for each plate the columns of the highest values, (N,)."""
    order = np.lexsort((-value, columns.plate))
    order = order[among[order]]
    plate = columns.plate[order]
    rank = np.arange(len(order)) - np.searchsorted(plate, plate)
    first = np.zeros(len(value), bool)
    first[order[rank < count]] = True
    return first
