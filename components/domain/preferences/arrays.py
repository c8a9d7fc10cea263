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
