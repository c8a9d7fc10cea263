"""What repetition costs: the same dish, or dishes with the same main tag, within some days.

Within a plan, every dish after the first in a window costs worth. Windows are `repeat_after_days` long, and
the next one begins after half of that. A dish that was eaten before the plan is worth less, by the day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from components.domain.plan.model import Columns
from components.domain.preferences.arrays import Floats, Ints

SAME_DISH, SAME_TAG = 0.5, 0.1  # worth that a repetition costs each eater


@dataclass(frozen=True, eq=False)
class Repeats:
    """Groups of like dishes in a window; each dish after the first costs worth.

    Attributes:
        matrix: (K, N) which columns are of a group.
        cost: (E, K) worth that a repetition takes from each eater's sum.
    """

    matrix: sparse.csr_array
    cost: Floats


def same_dish(columns: Columns, only: Ints) -> Repeats:
    """Finds the repetitions of the same dish among some columns.

    Args:
        columns: All columns.
        only: Positions of the columns of the result, (N',).
    """
    dishes, key = np.unique(columns.dish[only], return_inverse=True)
    of_key = sparse.csr_array((np.ones(len(only)), (key, np.arange(len(only)))), (len(dishes), len(only)))
    return _repeats(columns, only, of_key, SAME_DISH)


def same_tag(columns: Columns) -> Repeats:
    """Finds the repetitions of a main tag among all columns."""
    of_key = sparse.csr_array(columns.request.main_tags[columns.dish].T.astype(float))
    return _repeats(columns, np.arange(len(columns.dish)), of_key, SAME_TAG)


def eaten_lately(columns: Columns) -> Floats:
    """Computes by how much less each eater's columns are worth for what they ate before the plan, (E, N).

    A dish that was eaten the day before costs nearly as much as a repetition, and nothing after
    `repeat_after_days`.
    """
    request = columns.request
    length, since = request.repeat_after_days, request.days_ago[:, columns.dish] + columns.day
    return SAME_DISH * np.maximum(0, 1 - since / length) if length else np.zeros_like(since)


def _repeats(columns: Columns, only: Ints, of_key: sparse.csr_array, cost: float) -> Repeats:
    """Builds the groups of each window for all who share all their plates.

    Args:
        columns: All columns.
        only: Positions of the columns of the result.
        of_key: (J, N') which columns are alike.
        cost: Worth that a repetition costs.
    """
    eaters_count, day = len(columns.request.liking), columns.day[only]
    matrices, costs = [sparse.csr_array((0, len(only)))], [np.empty((eaters_count, 0))]
    for eaters, plates in _who_share(columns):
        on_plates = np.isin(columns.plate[only], plates)
        for first, end in _windows(columns.request.days, columns.request.repeat_after_days):
            inside = on_plates & (day >= first) & (day < end)
            rows = sparse.csr_array(of_key @ sparse.diags_array(inside.astype(float)))
            rows.eliminate_zeros()
            several = np.flatnonzero(np.diff(rows.indptr) > 1)
            matrices.append(rows[several])
            costs.append(np.zeros((eaters_count, len(several))))
            costs[-1][list(eaters)] = cost
    return Repeats(sparse.csr_array(sparse.vstack(matrices)), np.concatenate(costs, axis=1))


def _windows(days: int, length: int) -> list[tuple[int, int]]:
    """Lists the first day of each window, and the day after its last."""
    step = max(1, (length + 1) // 2)
    starts = range(0, max(1, days - length + step), step) if length else ()
    return [(first, first + length) for first in starts]


def _who_share(columns: Columns) -> list[tuple[tuple[int, ...], Ints]]:
    """Groups the eaters who share all their plates, with the plates."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for eater in range(len(columns.request.liking)):
        plates = tuple(index for index, plate in enumerate(columns.plates) if eater in plate.eaters)
        groups.setdefault(plates, []).append(eater)
    return [(tuple(eaters), np.array(plates)) for plates, eaters in groups.items() if plates]
