"""What a plan is asked for, and the answers: a plan, or wishes that contradict each other.

People and dishes are named by their positions, E people (eaters) and C dishes.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.domain.preferences.arrays import Bools, Floats, Ints

ENOUGH = 0.02  # gap at which the search ends by default
OPTIMAL = 1e-4  # largest gap, a share of the worth, of a plan that is called optimal


@dataclass(frozen=True)
class Kept:
    """A dish that some eaters had at a meal of an earlier plan; `portion` is None for any."""

    dish: int
    eaters: tuple[int, ...]
    portion: float | None = None


@dataclass(frozen=True, eq=False)
class Meal:
    """One meal of one day.

    Attributes:
        name: Name that the answer repeats, such as `dinner`.
        day: Number of the day, 0 for the first.
        eaters: Who eats it.
        pool: Dishes to choose from.
        dishes: Number of different dishes.
        is_shared: Whether all eaters get the same dishes and portions; otherwise each gets their own.
        portions: Servings of a dish to choose from.
        locked: Dishes that it must have; they need not be in the pool.
        kept: Dishes of an earlier plan, which come first; they need not be in the pool either.
    """

    name: str
    day: int
    eaters: tuple[int, ...]
    pool: Ints
    dishes: int = 1
    is_shared: bool = True
    portions: tuple[float, ...] = (1.0,)
    locked: tuple[int, ...] = ()
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, eq=False)
class Limit:
    """A wish that bounds a sum over the dishes of one eater.

    Attributes:
        name: Nutrient, cost or tag that it is about.
        eater: Whose dishes are summed.
        values: (C,) what a dish adds. NaN where it is unknown: no meal of the limit may have such a dish.
        amount: Least or most that the sum may be.
        is_least: Whether `amount` is the least.
        is_daily: Whether it holds for each day; otherwise for all days together.
        by_portion: Whether a portion of 0.5 adds half; a dish with a tag counts whole, and so do its minutes.
        meals: Positions of meals, for each of which it holds by itself; empty for the days.
    """

    name: str
    eater: int
    values: Floats
    amount: float
    is_least: bool
    is_daily: bool = True
    by_portion: bool = True
    meals: tuple[int, ...] = ()


@dataclass(frozen=True)
class Lock:
    """The wish that a meal has a dish."""

    meal: int
    dish: int


@dataclass(frozen=True, eq=False)
class Request:
    """Everything that decides a plan.

    Attributes:
        days: Number of days.
        meals: Meals to plan.
        liking: (E, C) how much each eater likes each dish, from 0 to 1.
        permitted: (E, C) whether an eater may be offered a dish.
        limits: Wishes about nutrients and tags.
        main_tags: (C, T) which main tags a dish has.
        days_ago: (E, C) days from the last time that an eater ate a dish to the first day; infinite where
            they did not.
        repeat_after_days: Days within which a repetition costs worth; 0 if it costs nothing.
        least_first: Whether the worth of the least satisfied eater counts before the mean.
        enough: Gap at which the search may end; see `Plan`.
    """

    days: int
    meals: tuple[Meal, ...]
    liking: Floats
    permitted: Bools
    limits: tuple[Limit, ...]
    main_tags: Bools
    days_ago: Floats
    repeat_after_days: int = 7
    least_first: bool = False
    enough: float = ENOUGH

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The locked dishes of all meals."""
        return tuple(Lock(index, dish) for index, meal in enumerate(self.meals) for dish in meal.locked)


@dataclass(frozen=True)
class Served:
    """A dish of a meal, for one or several eaters."""

    meal: int
    dish: int
    portion: float
    eaters: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The best plan that was found.

    Attributes:
        served: The dishes, by meal.
        worth: Mean over eaters of what a dish is worth to them, repetitions deducted, whatever is kept.
        gap: By how much a better plan could be better at most, as a share of its worth; proven. With
            `least_first` the larger one of the least satisfied eater's worth and of the mean.
        stopped_early: Whether time ended the search.
    """

    served: tuple[Served, ...]
    worth: float
    gap: float
    stopped_early: bool

    @property
    def is_optimal(self) -> bool:
        """Tells whether no plan is better."""
        return self.gap <= OPTIMAL


@dataclass(frozen=True)
class Conflict:
    """Why there is no plan.

    Attributes:
        wishes: Wishes that contradict each other; each of them is needed for that if `is_irreducible`.
        short_meals: Meals for which too few dishes are permitted, whatever is wished.
        is_irreducible: False if time ended the search for a smaller set.
        change: The wish whose least change gives its eaters a plan; None if no change of a single one does.
        amount: Amount with which that limit can be met; None where it must go, as a lock.
    """

    wishes: tuple[Limit | Lock, ...] = ()
    short_meals: tuple[int, ...] = ()
    is_irreducible: bool = True
    change: Limit | Lock | None = None
    amount: float | None = None
