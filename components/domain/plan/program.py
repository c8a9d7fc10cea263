"""The program that HiGHS solves: some columns of the model, with repetitions and worths beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from components.domain.plan.model import NO_WISH, Model
from components.domain.plan.repeats import Repeats, eaten_lately, same_dish, same_tag
from components.domain.preferences.arrays import Floats, Ints

BREACH = 100.0  # worth that breaking a wish by its whole amount costs in the relaxation
KEPT = 10.0  # worth of a dish that an earlier plan had in its place: more than any other dish could add
OTHER_PORTION = 0.001  # worth that a portion other than one costs


@dataclass(frozen=True)
class Aim:
    """What is maximised.

    Attributes:
        is_least: Whether it is the worth of the least satisfied eater; otherwise the mean of all.
        floor: Worth that each eater must have.
    """

    is_least: bool = False
    floor: float = -np.inf


@dataclass(frozen=True, eq=False)
class _Part:
    """The program on some columns: the most of gain @ z, where matrix @ z <= most and lower <= z <= upper."""

    gain: Floats
    matrix: Any
    most: Floats
    lower: Floats
    upper: Floats


class Program:
    """The program of a model.

    Its variables z are columns of dishes, the excess of each repetition, each eater's worth, and the least
    worth. An eater's worth is the mean over their dishes.

    Args:
        model: The model.

    Attributes:
        model: The model.
        columns: Columns of the model.
        kept: (N,) what each column adds to the mean of all eaters' worths for being of an earlier plan.
        liking: (N,) what each column adds to that mean, `kept` included.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.columns = model, model.columns
        counts = np.array(
            [self.columns.dishes_of(eater) for eater in range(len(self.columns.request.liking))]
        )
        self._who = np.flatnonzero(counts)  # others eat nothing here
        self._dishes = counts[self._who][:, None]
        self._tags = same_tag(self.columns)
        keeps = KEPT * np.array([self.columns.keeps(int(eater)) for eater in self._who]) / self._dishes
        self._of_eaters, self.kept = self._liking() + keeps, keeps.mean(axis=0)
        self.liking = self._of_eaters.mean(axis=0)
        rows = [model.matrix, self._tags.matrix, -sparse.csr_array(self._of_eaters)]
        self._shared = sparse.csc_array(sparse.vstack(rows))

    def relaxed(self, chosen: Ints, aim: Aim, seconds: float) -> tuple[float, float, Floats] | None:
        """Solves the relaxation on some columns, in which wishes may be broken at a price.

        Returns the most that the aim can be, by how much wishes are broken, and for all columns of dishes
        how much one of them would change the most, (N,); None if the time was over.
        """
        part, rows = self._part(chosen, aim), np.flatnonzero(self.model.wish != NO_WISH)
        place = rows, np.arange(len(rows))
        breaks = sparse.csr_array((-np.ones(len(rows)), place), (len(part.most), len(rows)))
        price = BREACH / np.maximum(1, np.abs(self.model.most[rows]))
        bounds: Any = np.stack(
            [np.append(part.lower, 0 * price), np.append(part.upper, price + np.inf)], axis=1
        )
        matrix: Any = sparse.hstack([part.matrix, breaks])  # SciPy takes it, and its stubs do not say so
        loss = np.append(-part.gain, price)
        result: Any = linprog(
            loss, matrix, part.most, bounds=bounds, method="highs", options={"time_limit": seconds}
        )
        if result.status:
            return None
        duals = result.ineqlin.marginals[: self._shared.shape[0]]
        return -result.fun, float(result.x[len(part.gain) :].sum()), np.asarray(self._shared.T @ duals)

    def solved(self, chosen: Ints, aim: Aim, seconds: float) -> Any:
        """Solves the program on some columns in whole numbers; returns SciPy's result."""
        part, enough = self._part(chosen, aim), self.columns.request.enough
        if self.kept.any():
            enough /= 1 + KEPT  # as a share of a worth in which what is kept counts
        return milp(
            -part.gain,
            integrality=(np.arange(len(part.gain)) < len(chosen)).astype(int),
            bounds=Bounds(part.lower, part.upper),
            constraints=LinearConstraint(part.matrix, -np.inf, part.most),
            options={"time_limit": seconds, "mip_rel_gap": enough},
        )

    def repetitions(self, chosen: Ints) -> tuple[sparse.csr_array, Floats]:
        """Groups like dishes among some columns: (K, N'), and what each costs the eaters' means, (E, K)."""
        dishes, tags = same_dish(self.columns, chosen), self._tags
        groups = sparse.csr_array(sparse.vstack([dishes.matrix, tags.matrix[:, chosen]]))
        return groups, np.concatenate([dishes.cost, tags.cost], axis=1)[self._who] / self._dishes

    def worth(self, picked: Ints, aim: Aim) -> float:
        """Computes what a plan of some columns is worth by an aim; -inf if somebody is below its floor."""
        groups, cost = self.repetitions(picked)
        repeats = np.maximum(0, np.asarray(groups.sum(axis=1)).ravel() - 1)
        own = self._of_eaters[:, picked].sum(axis=1) - cost @ repeats
        if own.min() < aim.floor:
            return -np.inf
        return float(own.min() if aim.is_least else own.mean())

    def _liking(self) -> Floats:
        """Computes what each column adds to the mean worth of each eater, (E, N)."""
        eats = np.array([self.columns.eats(int(eater)) for eater in self._who])
        liking = self.columns.request.liking[np.ix_(self._who, self.columns.dish)]
        liking = liking - eaten_lately(self.columns)[self._who] - OTHER_PORTION * (self.columns.portion != 1)
        return np.asarray(eats * liking / self._dishes)

    def _part(self, chosen: Ints, aim: Aim) -> _Part:
        dishes, tags, eaters = same_dish(self.columns, chosen), self._tags, len(self._who)
        of_tags, of_dishes = tags.matrix.shape[0], dishes.matrix.shape[0]
        excess = of_tags + of_dishes
        one, own = sparse.eye_array(eaters), [self._cost(tags), self._cost(dishes)]
        below = sparse.csr_array((len(self.model.most), of_tags))
        matrix = sparse.block_array(
            [
                [self._shared[:, chosen], sparse.vstack([below, -sparse.eye_array(of_tags), own[0]]),
                 self._beside(own[1]), self._beside(one), None],
                [None, None, None, -one, sparse.csr_array(np.ones((eaters, 1)))],
                [dishes.matrix, None, -sparse.eye_array(of_dishes), None, None],
            ],
            format="csr",
        )  # fmt: skip
        worth = np.append(np.zeros(eaters), 1) if aim.is_least else np.append(np.full(eaters, 1 / eaters), 0)
        before = np.zeros(len(chosen) + excess)
        upper = np.concatenate([np.ones(len(chosen)), np.full(excess + eaters + 1, np.inf)])
        lower = np.concatenate([before, np.full(eaters, aim.floor), [-np.inf]])
        most = [self.model.most, np.ones(of_tags), np.zeros(2 * eaters), np.ones(of_dishes)]
        return _Part(np.append(before, worth), matrix, np.concatenate(most), lower, upper)

    def _cost(self, repeats: Repeats) -> Any:
        return sparse.csr_array(repeats.cost[self._who] / self._dishes)

    def _beside(self, of_eaters: Any) -> Any:
        """Puts rows of eaters below rows of wishes and tags, which they do not touch."""
        above = self._shared.shape[0] - of_eaters.shape[0]
        return sparse.vstack([sparse.csr_array((above, of_eaters.shape[1])), of_eaters])
