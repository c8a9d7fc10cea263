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
    """start, start + 1, … for each pair of start and size, one after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - sizes), sizes))


def changes(values: npt.NDArray[Any]) -> Bools:
    """(N,) True for the first value, and for each that differs from the one before it."""
    result = np.ones(len(values), bool)
    result[1:] = values[1:] != values[:-1]
    return result


def sums(number: Ints, weight: Floats, count: int) -> Floats:
    """(count,) the sum of the weights of each number."""
    return np.asarray(np.bincount(number, weight, minlength=count), np.float64)


def share_of_occasion(person: Ints, dish: Ints, occasion: Ints) -> Floats:
    """(N,) one over the number of occasions on which this person met this dish; all are small numbers."""
    width = int(occasion.max(initial=0)) + 1
    code = (person * (int(dish.max(initial=0)) + 1) + dish) * width + occasion
    order = np.argsort(code)
    pair = np.cumsum(changes(code[order] // width)) - 1
    result = np.empty(len(code))
    result[order] = 1 / np.bincount(pair, changes(code[order]))[pair]
    return result


def distinct_numbers(below: Ints, number: int, draw: np.random.Generator) -> Ints:
    """(N, number) different numbers from 0 up to each bound, drawn by Floyd's algorithm.

    Args:
        below: (N,) bounds, which are not drawn.
        number: How many are drawn for each.
        draw: Draws them.

    Returns:
        The numbers, and -1 in columns for which a bound is too low.
    """
    numbers = np.full((len(below), number), -1)
    for column in range(number):
        highest = below - number + column
        drawn = draw.integers(0, np.maximum(highest, 0) + 1)
        is_there = (numbers[:, :column] == drawn[:, None]).any(1)
        numbers[:, column] = np.where(highest < 0, -1, np.where(is_there, highest, drawn))
    return numbers
