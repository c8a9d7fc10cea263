"""Types of the arrays in tables, and operations on them that numpy lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.datetime64]
Texts = npt.NDArray[np.object_]


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """Concatenates the ranges start, start + 1, …, of one size for each start."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - sizes), sizes))


def changes(values: npt.NDArray[Any]) -> Bools:
    """Marks the first value and each value that differs from the one before, (N,)."""
    result = np.ones(len(values), bool)
    result[1:] = values[1:] != values[:-1]
    return result


def sums(number: Ints, weight: Floats, count: int) -> Floats:
    """Adds up the weights of each number from 0 to count - 1, (count,)."""
    return np.asarray(np.bincount(number, weight, minlength=count), np.float64)


def share_of_occasion(person: Ints, dish: Ints, occasion: Ints) -> Floats:
    """Computes one over the number of occasions on which each row's person met the row's dish, (N,).

    Rows of one occasion count once. A person, dish and occasion are coded together in one 64-bit number, so
    their numbers must be small.
    """
    width = int(occasion.max(initial=0)) + 1
    code = (person * (int(dish.max(initial=0)) + 1) + dish) * width + occasion
    order = np.argsort(code)
    pair = np.cumsum(changes(code[order] // width)) - 1
    result = np.empty(len(code))
    result[order] = 1 / np.bincount(pair, changes(code[order]))[pair]
    return result


def distinct_numbers(below: Ints, number: int, draw: np.random.Generator) -> Ints:
    """Draws different numbers from 0 up to each bound, by Floyd's algorithm.

    Args:
        below: (N,) bounds; the bound itself is never drawn.
        number: How many numbers are drawn for each bound.

    Returns:
        (N, number) the numbers; a row whose bound is below `number` is filled up with -1.
    """
    numbers = np.full((len(below), number), -1)
    for column in range(number):
        highest = below - number + column
        drawn = draw.integers(0, np.maximum(highest, 0) + 1)
        is_there = (numbers[:, :column] == drawn[:, None]).any(1)
        numbers[:, column] = np.where(highest < 0, -1, np.where(is_there, highest, drawn))
    return numbers
