"""The model of a plan: columns are dishes on plates, rows are what their sums may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from components.domain.plan.request import Limit, Lock, Request, Served
from components.domain.preferences.arrays import Bools, Floats, Ints

NO_WISH = -1  # of a row that always holds


@dataclass(frozen=True)
class Plate:
    """What some eaters have at a meal, all of them the same.

    Attributes:
        meal: Position of the meal.
        day: Day of the meal.
        eaters: Who eats from it.
        dishes: Number of dishes on it.
    """

    meal: int
    day: int
    eaters: tuple[int, ...]
    dishes: int


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a model: a dish in a portion on a plate each.

    Attributes:
        request: What is asked.
        plates: The plates.
        plate: (N,) plate of each column.
        dish: (N,) dish of each column.
        portion: (N,) portion of each column.
    """

    request: Request
    plates: tuple[Plate, ...]
    plate: Ints
    dish: Ints
    portion: Floats

    @property
    def day(self) -> Ints:
        """(N,) day of each column."""
        return np.array([plate.day for plate in self.plates], np.int64)[self.plate]

    @property
    def meal(self) -> Ints:
        """(N,) position of the meal of each column."""
        return np.array([plate.meal for plate in self.plates], np.int64)[self.plate]

    def short_meals(self) -> tuple[int, ...]:
        """Finds the meals for which too few dishes are permitted."""
        kinds = [len(np.unique(self.dish[self.plate == index])) for index in range(len(self.plates))]
        return tuple(
            plate.meal for plate, kind in zip(self.plates, kinds, strict=True) if kind < plate.dishes
        )

    def eats(self, eater: int) -> Bools:
        """Tells which columns are on a plate of an eater, (N,)."""
        return np.array([eater in plate.eaters for plate in self.plates], bool)[self.plate]

    def keeps(self, eater: int) -> Bools:
        """Tells which columns give an eater what an earlier plan gave them, (N,)."""
        keeps = np.zeros(len(self.dish), bool)
        for index, plate in enumerate(self.plates):
            for kept in self.request.meals[plate.meal].kept if eater in plate.eaters else ():
                if eater in kept.eaters:
                    is_it = (self.plate == index) & (self.dish == kept.dish)
                    keeps |= is_it & (kept.portion is None or self.portion == kept.portion)
        return keeps

    def served(self, picked: Ints) -> tuple[Served, ...]:
        """Writes a plan of some columns."""
        return tuple(
            Served(plate.meal, int(self.dish[each]), float(self.portion[each]), plate.eaters)
            for each in picked
            for plate in [self.plates[self.plate[each]]]
        )

    def dishes_of(self, eater: int) -> int:
        """Counts the dishes that an eater gets."""
        return sum(plate.dishes for plate in self.plates if eater in plate.eaters)


@dataclass(frozen=True, eq=False)
class Model:
    """Columns and rows; a plan is a column x of zeros and ones with `matrix` @ x <= `most`.

    Attributes:
        columns: The columns.
        matrix: (M, N) rows.
        most: (M,) most that each row may be.
        wish: (M,) position in `wishes` of the wish that a row is of; NO_WISH for what always holds.
        by_amount: (M,) whether another amount of its limit would change what a row may be.
    """

    columns: Columns
    matrix: sparse.csc_array
    most: Floats
    wish: Ints
    by_amount: Bools

    @property
    def wishes(self) -> tuple[Limit | Lock, ...]:
        """All wishes that may contradict each other."""
        return (*self.columns.request.limits, *self.columns.request.locks)


@dataclass
class _Rows:
    columns: list[Ints] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    wish: list[int] = field(default_factory=list)
    by_amount: list[bool] = field(default_factory=list)

    def add(
        self, values: npt.NDArray[Any], most: float, wish: int = NO_WISH, *, by_amount: bool = False
    ) -> None:
        """Adds the row that `values`, (N,), times the columns are at most `most`."""
        columns = np.flatnonzero(values)
        self.columns.append(columns)
        self.values.append(values[columns].astype(float))
        self.most.append(most)
        self.wish.append(wish)
        self.by_amount.append(by_amount)

    def matrix(self, width: int) -> sparse.csc_array:
        """Builds the (M, `width`) matrix of the rows."""
        ends = np.cumsum([0, *map(len, self.columns)])
        values, columns = np.concatenate([[0.0], *self.values])[1:], np.concatenate([[0], *self.columns])[1:]
        rows = sparse.csr_array((values, columns.astype(np.int64), ends), (len(self.most), width))
        return sparse.csc_array(rows)


def model_of(request: Request) -> Model:
    """Builds the model of a request."""
    columns, rows = _columns_of(request), _Rows()
    for index, plate in enumerate(columns.plates):
        on_it = columns.plate == index
        rows.add(on_it, plate.dishes)
        rows.add(-1.0 * on_it, -plate.dishes)
        if plate.dishes > 1 and len(request.meals[plate.meal].portions) > 1:
            for dish in np.unique(columns.dish[on_it]):
                rows.add(on_it & (columns.dish == dish), 1)
    for wish, limit in enumerate(request.limits):
        _add_limit(rows, columns, limit, wish)
    for wish, lock in enumerate(request.locks, len(request.limits)):
        for index, plate in enumerate(columns.plates):
            if plate.meal == lock.meal:
                rows.add(-1.0 * ((columns.plate == index) & (columns.dish == lock.dish)), -1, wish)
    wishes = np.array(rows.wish, np.int64), np.array(rows.by_amount, bool)
    return Model(columns, rows.matrix(len(columns.dish)), np.array(rows.most, float), *wishes)


def _columns_of(request: Request) -> Columns:
    plates = tuple(
        Plate(index, meal.day, eaters, meal.dishes)
        for index, meal in enumerate(request.meals)
        for eaters in ([meal.eaters] if meal.is_shared else [(eater,) for eater in meal.eaters])
    )
    parts = [_dishes_on(request, plate) for plate in plates]
    plate_of = np.repeat(np.arange(len(plates)), [len(dish) for dish, _ in parts])
    dish = np.concatenate([np.empty(0, np.int64), *(dish for dish, _ in parts)])
    portion = np.concatenate([np.empty(0), *(portion for _, portion in parts)])
    return Columns(request, plates, plate_of, dish, portion)


def _dishes_on(request: Request, plate: Plate) -> tuple[Ints, Floats]:
    """Lists the dishes and portions that may be on a plate: its pool and what is locked or kept."""
    meal = request.meals[plate.meal]
    others = [*meal.locked, *(kept.dish for kept in meal.kept)]
    dishes = np.union1d(meal.pool, np.array(others, np.int64)).astype(np.int64)
    dishes = dishes[request.permitted[list(plate.eaters)][:, dishes].all(axis=0)]
    portions = np.array(meal.portions)
    return np.repeat(dishes, len(portions)), np.tile(portions, len(dishes))


def _add_limit(rows: _Rows, columns: Columns, limit: Limit, wish: int) -> None:
    """Adds the rows of a limit: its sums by meal, by day or of all, and the dishes that cannot be summed."""
    eats, values = columns.eats(limit.eater), limit.values[columns.dish]
    if limit.meals:
        eats &= np.isin(columns.meal, limit.meals)
    unknown = np.isnan(values)
    if (eats & unknown).any():
        rows.add(eats & unknown, 0, wish)
    adds = eats * np.where(unknown, 0.0, values) * (columns.portion if limit.by_portion else 1.0)
    sign = -1 if limit.is_least else 1
    span = columns.meal if limit.meals else columns.day * limit.is_daily
    for each in np.unique(span[eats]):
        rows.add(sign * adds * (span == each), sign * limit.amount, wish, by_amount=True)
