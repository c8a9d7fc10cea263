"""Ranges are those of a plain loop, also where some or all of them are empty."""

from __future__ import annotations

import numpy as np
import pytest

from components.domain.preferences.arrays import ranges


@pytest.mark.parametrize("seed", range(5))
def test_ranges_are_those_of_a_loop(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(0, 9))
    starts, sizes = draw.integers(0, 50, count), draw.integers(0, 4, count)
    spans = [range(start, start + size) for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)]
    assert ranges(starts, sizes).tolist() == [number for span in spans for number in span]


@pytest.mark.parametrize("seed", range(10))
def test_ranges_take_whole_parts_of_an_array_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(0, 5, 8)
    values = draw.random(int(sizes.sum()))
    parts = np.split(values, np.cumsum(sizes)[:-1])
    order = draw.permutation(8)
    firsts = np.cumsum(sizes) - sizes
    assert np.array_equal(
        values[ranges(firsts[order], sizes[order])], np.concatenate([parts[n] for n in order])
    )


@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0]])
def test_ranges_of_nothing_are_an_index_that_takes_nothing(sizes: list[int]) -> None:
    index = ranges(np.full(len(sizes), 7, np.int64), np.array(sizes, np.int64))
    assert index.dtype == np.int64
    assert np.arange(5)[index].tolist() == []
