"""Comparisons of stated opinions are those of the rule in plain loops, in the same order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.preferences.comparisons import compare
from components.domain.preferences.stated_pairs import BLOCK, GROUP_SIZE, groups
from components.domain.records import DISLIKED, LIKED
from tests.domain.preferences.opinion_logs import Line, log_of

START = datetime(2026, 1, 30, tzinfo=UTC)
WHO, WHAT, FROM = (
    st.sampled_from(["x", "Ада"]),
    st.sampled_from([*"abcde", "борщ"]),
    st.sampled_from(["", "s"]),
)
MOMENTS = st.integers(0, 40).map(lambda hours: START + timedelta(hours=6 * hours))
RATINGS = st.builds(Line, WHO, WHAT, MOMENTS, rating=st.integers(1, 5).map(float), source=FROM)
VERDICTS = st.builds(Line, WHO, WHAT, MOMENTS, st.sampled_from([LIKED, DISLIKED]), source=FROM)
CUTS = st.none() | st.integers(0, 12).map(lambda days: START.date() + timedelta(days=days))
RATED = Line("zoe", "a", START, rating=3.0)  # so that likes are not all that anybody states
Pair = tuple[str, str, str, datetime, list[str]]  # person, preferred dish, other dish, moment, history


def _favour(line: Line) -> tuple[int, float]:
    """Verdict and rating."""
    if line.rating is None:
        return line.verdict, 0.0
    return int(line.rating >= 4) - int(line.rating <= 2), line.rating


def _is_preferred(one: Line, other: Line) -> bool:
    both_rated = one.rating is not None and other.rating is not None
    return one.source == other.source and _favour(one)[both_rated] > _favour(other)[both_rated]


def _blocks(stated: list[Line], cut: date | None) -> Iterator[list[Line]]:
    block: list[Line] = []
    for day, lines in itertools.groupby(stated, lambda line: line.at.date()):
        if block and (len(block) >= BLOCK or (cut and block[-1].at.date() < cut <= day)):
            yield block
            block = []
        block = [*block, *lines]
    yield block


def _latest(lines: list[Line]) -> list[Line]:
    return list({(line.source, line.dish_id): line for line in lines}.values())


def _pairs(lines: list[Line], seed: int, cut: date | None) -> Iterator[Pair]:
    """The rule: of each block of days, the latest opinions of a group, every two that differ."""
    key = lambda line: (line.at, line.source, line.dish_id, *(-part for part in _favour(line)))  # noqa: E731
    for person in sorted({line.person_id for line in lines}):
        stated = sorted((line for line in lines if line.person_id == person), key=key)
        for block in _blocks(stated, cut):
            before = [line for line in stated if line.at < block[0].at]
            history = [line.dish_id for line in before if any(line is last for last in _latest(before))]
            for group in groups(range(len(block)), 1, f"{seed}/{person}/{block[0].at.date()}"):
                latest = _latest([block[number] for number in sorted(group)])
                for one, other in itertools.permutations(latest, 2):
                    if _is_preferred(one, other):
                        yield person, one.dish_id, other.dish_id, block[-1].at, history


def _compared(lines: list[Line], seed: int, cut: date | None) -> list[Pair]:
    return [
        (pair.person_id, pair.chosen, next(dish for dish in pair.dishes if dish != pair.chosen), pair.at,
         [past.dish_id for past in pair.history])
        for pair in compare(log_of(lines, {}), seed, None if cut is None else np.datetime64(cut))
    ]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(RATINGS | VERDICTS, max_size=80), st.integers(0, 3), CUTS)
def test_they_are_the_pairs_of_plain_loops(lines: list[Line], seed: int, cut: date | None) -> None:
    assert _compared([*lines, RATED], seed, cut) == list(_pairs([*lines, RATED], seed, cut))


@pytest.mark.parametrize("count", [1, 2, GROUP_SIZE, GROUP_SIZE + 1, 5 * GROUP_SIZE])
def test_a_day_of_many_opinions_is_dealt_into_groups(count: int) -> None:
    lines = [Line("x", f"d{number}", START, rating=float(number)) for number in range(count)]
    pairs = _compared(lines, 0, None)
    assert pairs == list(_pairs(lines, 0, None))
    assert len(pairs) <= count * (GROUP_SIZE - 1) / 2


def test_without_stated_opinions_there_are_none() -> None:
    assert _compared([], 0, None) == []
    assert _compared([Line("x", "a", START, order=True)], 0, START.date()) == []
