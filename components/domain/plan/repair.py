"""A plan by repair: dishes are exchanged one at a time, and broken wishes cost more until all of them hold.

It proves nothing, and finds plans of narrow bounds in which HiGHS finds none for long.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from components.domain.plan.model import NO_WISH
from components.domain.plan.program import Program
from components.domain.preferences.arrays import Floats, Ints

PRICES = 0.01, 0.1, 1.0  # worth that breaking a wish by its whole amount costs at first, one after another
_DEARER, _CHEAPER = 1.5, 0.7  # factors of a price after a round in which a wish is broken, or all hold
_ROUNDING = 1e-9


def repaired(program: Program, chosen: Ints, rounds: int, seconds_left: Callable[[], float]) -> Ints | None:
    """Finds the columns of a plan in which all wishes hold; None where the search ends without one.

    The same columns have the same plan.

    Args:
        program: The program.
        chosen: Columns to choose from, enough of them for each plate.
        rounds: Rounds with each price, in each of which every place on a plate is looked at once.
        seconds_left: Tells how many seconds may still be spent; it may raise to end the search.
    """
    exchange, draw = _Exchange(program, chosen), np.random.default_rng(0)
    plans = [exchange.best(price, draw, rounds, seconds_left) for price in PRICES]
    found = [(worth, picked) for worth, picked in plans if np.isfinite(worth)]
    return chosen[max(found, key=lambda plan: plan[0])[1]] if found else None


class _Exchange:
    """A plan that changes: one column for each place on a plate; columns are positions in `chosen`."""

    def __init__(self, program: Program, chosen: Ints) -> None:
        self._liking = program.liking[chosen]
        self._dish, plate_of = program.columns.dish[chosen], program.columns.plate[chosen]
        groups, cost = program.repetitions(chosen)
        self._groups, self._cost = sparse.csc_array(groups), cost.mean(axis=0)
        rows = np.flatnonzero(program.model.wish != NO_WISH)
        scale = np.maximum(1, np.abs(program.model.most[rows]))
        self._most = program.model.most[rows] / scale
        self._wishes = program.model.matrix.tocsr()[rows][:, chosen].toarray() / scale[:, None]
        plates = program.columns.plates
        self._own = [np.flatnonzero(plate_of == plate) for plate in range(len(plates))]
        self._own_groups = [self._groups[:, own].T.tocsr() for own in self._own]
        self._plate = np.repeat(np.arange(len(plates)), [plate.dishes for plate in plates])
        self._mates = [np.flatnonzero(self._plate == plate) for plate in self._plate]

    def best(
        self, price: float, draw: np.random.Generator, rounds: int, seconds_left: Callable[[], float]
    ) -> tuple[float, Ints]:
        """Exchanges dishes for some rounds; returns the worth, -inf without a plan, and the best plan."""
        prices, best = np.full(len(self._most), price), (-np.inf, np.empty(0, np.int64))
        picked = self._greedy()
        counts, sums = self._counts(picked), self._wishes[:, picked].sum(axis=1)
        for _ in range(rounds):
            if seconds_left() <= 0:
                break
            before = picked.copy()
            for place in draw.permutation(len(picked)):
                self._take(picked[place], counts, sums, -1)
                picked[place] = self._best_for(int(place), picked, counts, sums, prices)
                self._take(picked[place], counts, sums, 1)
            broken = sums > self._most + _ROUNDING
            if not broken.any():
                worth = float(self._liking[picked].sum() - self._cost @ np.maximum(0, counts - 1))
                best = max(best, (worth, picked.copy()), key=lambda plan: plan[0])
                if (picked == before).all():
                    if prices.max(initial=0) < _ROUNDING:
                        break
                    prices *= _CHEAPER
            prices[broken] *= _DEARER
        return best

    def _greedy(self) -> Ints:
        """Picks the dishes that are liked most for each plate, different ones."""
        picked = np.zeros(len(self._plate), np.int64)
        for place, plate in enumerate(self._plate):
            mates = self._mates[place]
            own = self._own[plate]
            own = own[~np.isin(self._dish[own], self._dish[picked[mates[mates < place]]])]
            picked[place] = own[np.argmax(self._liking[own])]
        return picked

    def _best_for(self, place: int, picked: Ints, counts: Floats, sums: Floats, prices: Floats) -> int:
        """Chooses the best column for a place, given how often each group comes elsewhere, and the sums."""
        plate = self._plate[place]
        own, repeats = self._own[plate], self._own_groups[plate] @ (self._cost * (counts > 0))
        broken = np.maximum(0, (sums - self._most - _ROUNDING)[:, None] + self._wishes[:, own])
        worth = self._liking[own] - repeats - prices @ broken
        mates = self._mates[place]
        if len(mates) > 1:
            worth[np.isin(self._dish[own], self._dish[picked[mates[mates != place]]])] = -np.inf
        return int(own[np.argmax(worth)])

    def _take(self, column: int, counts: Floats, sums: Floats, times: int) -> None:
        """Adds a column to the counts of groups and to the sums of wishes, or takes it away."""
        start, end = self._groups.indptr[column : column + 2]
        counts[self._groups.indices[start:end]] += times
        sums += times * self._wishes[:, column]

    def _counts(self, picked: Ints) -> Floats:
        return np.asarray(self._groups[:, picked].sum(axis=1), float).ravel()
