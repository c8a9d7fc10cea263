"""Made-up people whose taste a property of the dishes' names tells, and nothing else.

The names are of foods. Half of the people like the dishes that have the property, the others those without.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np

from benchmarks.sample import Known, opinions_of
from benchmarks.shapes import START, Row, event
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.opinions import Scale, opinion_log
from components.domain.records import Dish

PEOPLE, RATED, DISHES, SEED = 100, 40, 190, 0
OTHERWISE = 0.1  # share of the ratings that contradict the taste
Named = Iterator[tuple[str, bool]]  # names of dishes, and whether they have the property


def spelling() -> Known:
    """Names are one food; the property is to have at most six letters."""
    return _opinions((food, len(food) <= 6) for food in _foods()[:DISHES])


def pairs() -> Known:
    """Names are two foods of twenty; the property is that both are on one side of a secret division."""
    some = _foods()[:20]
    two = itertools.combinations(range(len(some)), 2)
    return _opinions((f"{some[one]} with {some[other]}", (one - other) % 2 == 0) for one, other in two)


NAMED: dict[str, Callable[[], Known]] = {"spelling": spelling, "pairs": pairs}


def _foods() -> list[str]:
    names = sorted(dish.name for dish in opinions_of("tastes")[1].values())
    return [names[number] for number in np.random.default_rng(SEED).permutation(len(names))]


def _opinions(named: Named) -> Known:
    draw, dishes, has = np.random.default_rng(SEED), {}, []
    for number, (name, has_it) in enumerate(named):
        dishes[f"d{number:03}"] = Dish(f"d{number:03}", name)
        has.append(has_it)
    rows: list[Row] = []
    for person in range(PEOPLE):
        for number in draw.permutation(len(has))[:RATED].tolist():
            liked = has[number] ^ (person % 2 == 1) ^ bool(draw.random() < OTHERWISE)
            at, value = START + timedelta(minutes=len(rows)), 4.0 if liked else 2.0
            rows.append(event(person, f"d{number:03}", "rating", at, value=value))
    params = opinions_of("tastes")[0]
    return params, dishes, opinion_log(EventColumns.of(rows), dishes, {}, Scale.of(params.collect))
