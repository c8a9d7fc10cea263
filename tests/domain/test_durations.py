"""A step that takes far longer than in all earlier nights is told; what is usual, new or short is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.durations import LEAST_NIGHTS, slow_steps

SECONDS = st.floats(0, 1e5)


@pytest.mark.parametrize(
    ("before", "tonight", "is_told"),
    [
        ([100.0] * LEAST_NIGHTS, 201.0, True),
        ([100.0] * LEAST_NIGHTS, 199.0, False),
        ([100.0] * (LEAST_NIGHTS - 1), 900.0, False),  # too few nights
        ([100.0] * 9 + [500.0], 900.0, False),  # one of them was from scratch
        ([1.0] * 9, 50.0, False),  # fifty times a second is no matter
        ([], 9e9, False),
    ],
)
def test_what_is_told(before: list[float], tonight: float, *, is_told: bool) -> None:
    earlier = [{"train": seconds, "push": 1.0} for seconds in before]
    sentences = slow_steps(earlier, {"train": tonight, "push": 1.0, "new": 9e9})
    assert bool(sentences) == is_told
    assert all(sentence.startswith(f"The step train took {tonight:.0f} s") for sentence in sentences)


@settings(max_examples=20)
@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_a_night_like_one_before_is_never_slow(before: list[float]) -> None:
    assert slow_steps([{"train": seconds} for seconds in before], {"train": max(before)}) == []
