"""Why there is no plan: wishes that contradict each other, and the least change of one that helps."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from components.domain.plan.model import NO_WISH, Model
from components.domain.plan.request import Conflict, Limit

_INFEASIBLE = 2  # status of SciPy's result
SecondsLeft = Callable[[], float]


def conflict_of(model: Model, seconds_left: SecondsLeft) -> Conflict | None:
    """Finds a set of wishes that contradict each other; None if time ended before it was known.

    A wish leaves the set if the others contradict each other without it (a deletion filter).
    """
    wishes, needed = model.wishes, list(range(len(model.wishes)))
    if _solved(model, needed, seconds_left()).status != _INFEASIBLE:
        return None
    for wish in range(len(wishes)):
        others = [each for each in needed if each != wish]
        if seconds_left() <= 0:
            break
        if _solved(model, others, seconds_left()).status == _INFEASIBLE:
            needed = others
    conflict = Conflict(tuple(wishes[each] for each in needed), is_irreducible=seconds_left() > 0)
    return _with_change(model, conflict, needed, seconds_left)


def _with_change(model: Model, conflict: Conflict, needed: list[int], seconds_left: SecondsLeft) -> Conflict:
    """Adds the wish whose change helps: the smallest share of a limit's amount, else a wish that goes."""
    smallest, wishes = np.inf, range(len(model.wishes))
    for wish in needed:
        limit = model.wishes[wish]
        if seconds_left() <= 0:
            break
        if isinstance(limit, Limit):
            result = _solved(model, wishes, seconds_left(), relaxed=wish)
            if result.x is not None:
                share = result.fun / max(limit.amount, 1)
                if share < smallest:
                    amount = limit.amount + (-result.fun if limit.is_least else result.fun)
                    smallest, conflict = share, replace(conflict, change=limit, amount=float(amount))
                continue
        others = [each for each in wishes if each != wish]
        if conflict.change is None and _solved(model, others, seconds_left()).x is not None:
            conflict = replace(conflict, change=limit)
    return conflict


def _solved(model: Model, wishes: Collection[int], seconds: float, relaxed: int = NO_WISH - 1) -> Any:
    """Looks for any plan under some wishes, and for the one that breaks a relaxed wish least."""
    rows = np.isin(model.wish, [NO_WISH, *wishes])
    breaks = -((model.wish == relaxed) & model.by_amount)[rows].astype(float)[:, None]
    matrix = sparse.hstack([model.matrix[rows], sparse.csr_array(breaks)])
    count = model.matrix.shape[1]
    return milp(
        np.append(np.zeros(count), 1),
        integrality=np.append(np.ones(count), 0),
        bounds=Bounds(0, np.append(np.ones(count), np.inf)),
        constraints=LinearConstraint(matrix, -np.inf, model.most[rows]),
        options={"time_limit": max(0.0, seconds)},
    )
