"""A log knows what replaces what, whose lines are whose, and when, whatever the time zone."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from components.domain.preferences.opinion_log import OpinionLog, moment, timestamp
from tests.domain.preferences.opinion_logs import Line, log_of

TIMES = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(6)]
DISHES = ("p", "q", "豆腐")
STATED: list[dict[str, Any]] = [{"rating": 3.0}, {"verdict": -1}, {}]
KINDS = [*STATED, {"menu_id": "m"}, {"order": True}]


def _random_log(seed: int) -> OpinionLog:
    """Opinions of every kind, of up to three people, many of them at one moment and some of them twice."""
    draw, lines = random.Random(seed), []
    for _ in range(draw.randrange(40)):
        person, dish, source = draw.choice(["x", "y", "Ада"]), draw.choice(DISHES), draw.choice(["", "s"])
        lines.append(Line(person, dish, draw.choice(TIMES), source=source, **draw.choice(KINDS)))
    return log_of(lines, {"m": DISHES})


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_ratings_likes_and_dislikes_are_stated(kind: dict[str, Any]) -> None:
    assert log_of([Line("x", "p", TIMES[0], **kind)], {"m": DISHES}).is_stated.tolist() == [kind in STATED]


@pytest.mark.parametrize("seed", range(5))
def test_a_stated_opinion_is_replaced_by_the_next_of_its_person_source_and_dish(seed: int) -> None:
    log = _random_log(seed)
    columns = {"person": log.person, "source": log.source, "dish": log.dish, "line": np.arange(len(log))}
    stated = pd.DataFrame(columns)[log.is_stated]
    following = stated.groupby(["person", "source", "dish"])["line"].shift(-1)
    assert log.replaced_by.tolist() == following.reindex(range(len(log))).fillna(len(log)).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_part_of_a_log_is_those_lines_and_its_bounds_are_those_of_its_people(seed: int) -> None:
    log = _random_log(seed)
    lines = np.flatnonzero(np.random.default_rng(seed).random(len(log)) < 0.5)
    part = log.take(lines)
    assert [part.past(n) for n in range(len(part))] == [log.past(line) for line in lines]
    spans = [list(range(*bounds)) for bounds in itertools.pairwise(part.bounds().tolist())]
    assert [np.flatnonzero(part.person == number).tolist() for number in range(len(log.people))] == spans
    assert log.take(lines[:1]).replaced_by.tolist() == [1] * len(lines[:1])  # what replaced it is not there


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/New_York", "Asia/Kathmandu"])
def test_moments_survive_the_table_and_are_those_of_pandas(zone: str) -> None:
    for number in range(50):  # the last hour of summer time comes twice
        early = datetime(2026, 10, 25, 2, 30, number, tzinfo=ZoneInfo(zone))
        at = (early - timedelta(microseconds=7 ** (number % 20))).replace(fold=number % 2)
        assert moment(timestamp(at)).timestamp() == at.timestamp()
        assert timestamp(at) == pd.Timestamp(at).tz_convert("UTC").tz_localize(None).to_datetime64()
