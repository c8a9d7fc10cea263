"""Made-up people who like either the even or the odd dishes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison, Dish, Past
from components.domain.verdict.metrics import comparison_metrics, per_person

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 8  # dishes with opinions; one more has none
DISHES = {f"d{n}": Dish(f"d{n}", f"dish {'abcdefghi'[n]}") for n in range(COUNT + 1)}


def odd_or_even(train: int, test: int) -> tuple[Comparisons, Comparisons]:
    """Comparisons of `train` and of `test` other people on one log; what is asked about is in no history."""
    random = np.random.default_rng(0)
    comparisons: list[Comparison] = []
    names: list[str] = []
    for person in range(train + test):
        order, odd = random.permutation(COUNT), person % 2
        ratings = {f"d{n}": float((4 if n % 2 == odd else 1) + random.integers(2)) for n in order}
        history = tuple(Past(dish, 0, rating) for dish, rating in list(ratings.items())[2:])
        one, other = sorted(list(ratings)[:2], key=lambda dish: -ratings[dish])
        if ratings[one] > ratings[other]:
            name = f"p{person:04}"
            names.append(name)
            comparisons.append(Comparison(name, history, (other, one), name, NOW, one))
    table = comparison_table(comparisons)
    first = sum(name < f"p{train:04}" for name in names)
    return table.take(range(first)), table.take(range(first, len(table)))


def accuracy(scores: Floats, comparisons: Comparisons) -> float:
    """Mean pair accuracy over people."""
    people = per_person(comparison_metrics(scores, comparisons), comparisons)
    return float(np.mean([row[0] for row in people.values()]))
