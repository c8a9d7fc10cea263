"""An opinion means something by itself, and what training may know of a person is all that was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.from_records import question_table
from components.domain.preferences.strengths import (
    RatingScale,
    histories,
    known_opinions,
    rating_scale,
    with_source_offsets,
)
from components.domain.records import DISLIKED, LIKED, Past, Question
from tests.domain.preferences.opinion_logs import Line, log_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _strengths(*ratings: float, scale: RatingScale) -> list[float]:
    history = tuple(Past(f"d{n}", 0, rating) for n, rating in enumerate(ratings))
    return histories(question_table([Question("x", history, ("d0",))])).strengths(scale).tolist()


def test_verdicts_are_strengths_and_ratings_are_taken_from_a_shrunk_mean() -> None:
    scale = RatingScale(mean=3.0, prior=2.0, spread=2.0)
    history = (Past("a", LIKED), Past("b", DISLIKED), Past("c", 0, 9.0), Past("d", 0, 5.0))
    values = histories(question_table([Question("x", history, ("a",))])).strengths(scale)
    assert values == pytest.approx([1, -1, (9 - 5) / 2, (5 - 5) / 2])  # the mean is (9 + 5 + 2 * 3) / 4


def test_one_high_rating_three_high_ones_and_one_low_one_say_different_things() -> None:
    scale = RatingScale(mean=3.0, prior=2.0, spread=1.0)
    one, three, low = (_strengths(*ratings, scale=scale) for ratings in ((5.0,), (5.0, 5.0, 5.0), (1.0,)))
    assert one[0] > 0.5
    assert three[0] > 0.5
    assert low[0] < -0.5
    *fives, four = _strengths(5.0, 5.0, 5.0, 4.0, scale=scale)
    assert all(five > 0.5 for five in fives)
    assert abs(four) < 0.2  # nothing much, and no dislike


def test_heads_from_before_read_ratings_from_the_persons_mean() -> None:
    assert _strengths(5.0, 1.0, scale=RatingScale(spread=2.0)) == [1.0, -1.0]


def test_the_prior_is_the_ratio_of_variances() -> None:
    draw = np.random.default_rng(0)
    means = draw.normal(3, 0.5, 2000)
    lines = [
        Line(f"p{person}", f"d{n}", NOW, rating=float(mean + noise))
        for person, mean in enumerate(means)
        for n, noise in enumerate(draw.normal(0, 1.0, 8))
    ]
    log = log_of(lines, {})
    scale = rating_scale(known_opinions(log, np.ones(len(log), bool)))
    assert scale.mean == pytest.approx(3, abs=0.05)
    assert scale.spread == pytest.approx(1, abs=0.05)
    assert scale.prior == pytest.approx(1 / 0.25, rel=0.15)


def test_where_nobody_rates_the_scale_changes_nothing() -> None:
    log = log_of([Line("x", "d", NOW, LIKED)], {})
    assert rating_scale(known_opinions(log, np.ones(1, bool))) == RatingScale()


def test_sources_are_centred_on_their_means_as_far_as_they_are_known() -> None:
    lines = [
        Line(f"p{person}", f"d{n}", NOW, rating=rating + n % 2, source=source)
        for person in range(50)
        for source, rating, dishes in (("low", 1.0, range(4)), ("high", 7.0, range(4, 8)))
        for n in dishes
    ]
    log = log_of([*lines, Line("p0", "d9", NOW, rating=7.0, source="new")], {})
    centred = with_source_offsets(log, np.array(log.sources, object)[log.source] != "new")
    offsets = dict(zip(centred.sources, centred.offset, strict=True))
    assert offsets["low"] == pytest.approx(-3, rel=0.06)
    assert offsets["high"] == pytest.approx(3, rel=0.06)
    assert offsets["new"] == 0.0


def test_what_is_known_of_a_person_is_the_latest_of_each_opinion_up_to_the_cut() -> None:
    days = [
        Line("x", "p", NOW, rating=1.0),
        Line("x", "q", NOW, DISLIKED),
        Line("x", "p", NOW + timedelta(days=1), rating=5.0),
        Line("x", "q", NOW + timedelta(days=9), LIKED),
    ]
    log = log_of(days, {})
    training = known_opinions(log, log.at < np.datetime64("2026-01-05"))
    opinions = zip(training.dish.tolist(), training.verdict.tolist(), training.rating.tolist(), strict=True)
    assert sorted(opinions, key=str) == [(0, 1, 5.0), (1, -1, pytest.approx(float("nan"), nan_ok=True))]
