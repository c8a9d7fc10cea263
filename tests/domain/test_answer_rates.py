"""How many answers got feedback and how much of it is positive, by day and version."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.answer_rates import AnswerRates, answer_rates, why_fallen
from components.domain.catalogue import Thresholds
from components.domain.exposures import Answered, Reaction
from components.domain.verdict.metrics import Interval

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
KINDS = ("like", "dislike", "rating", "choice", "order", "retract")


def _rates(*rows: Answered, timezone: str = "Europe/Zurich") -> list[AnswerRates]:
    return answer_rates(rows, Thresholds(4, 2), timezone, 0.95)


def _answered(
    answer: str, kind: str, dish: str = "soup", position: int | None = 1, *, value: float | None = None,
    version: str = "1", is_retracted: bool = False, person: str = "",
) -> Answered:  # fmt: skip
    return Answered(
        answer, NOON, version, Reaction(dish, position, kind, value, is_retracted), person or answer
    )


def test_shares_have_wilsons_interval_and_positions_are_of_what_was_chosen() -> None:
    silent = [Answered(f"silent {number}", NOON, "1", None, f"silent {number}") for number in range(7)]
    (row,) = _rates(
        *silent,
        _answered("a", "choice", position=4),
        _answered("b", "rating", value=3.0, position=9),
        _answered("c", "order", position=1),
    )
    assert (row.day, row.model_version, row.answers, row.judged) == (date(2026, 11, 2), "1", 10, 3)
    assert (row.joined.mean, row.position) == (0.3, 2.5)
    assert (row.joined.low, row.joined.high) == pytest.approx((0.1078, 0.6032), abs=1e-4)  # Wilson, 1927
    assert row.positive is not None
    assert row.positive.mean == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("kind", "value", "share"),
    [("like", None, 1), ("choice", None, 1), ("order", None, 1), ("rating", 4.0, 1), ("rating", 3.0, 0),
     ("rating", 1.0, 0), ("dislike", None, 0)],
)  # fmt: skip
def test_what_is_positive(kind: str, value: float | None, share: float) -> None:
    (row,) = _rates(_answered("a", kind, value=value))
    assert row.positive is not None
    assert row.positive.mean == share


def test_a_dish_of_an_answer_counts_once_with_what_was_stated_last() -> None:
    (row,) = _rates(_answered("a", "like"), _answered("a", "choice", "rice"), _answered("a", "dislike"))
    assert (row.answers, row.judged, row.joined.mean) == (1, 2, 1.0)
    assert row.positive is not None
    assert row.positive.mean == 0.5


def test_what_was_taken_back_is_no_opinion_but_was_feedback_and_an_order_stays_one() -> None:
    (row,) = _rates(
        _answered("a", "like", is_retracted=True),
        _answered("a", "retract"),
        _answered("b", "order", is_retracted=True, position=3),
    )
    assert (row.joined.mean, row.judged, row.position) == (1.0, 1, 3.0)


def test_two_versions_of_a_trial_are_two_rows_and_the_latest_day_is_first() -> None:
    earlier = NOON - timedelta(days=1)
    rows = [Answered("a", NOON, "9"), Answered("b", NOON, "10"), Answered("c", earlier, "9")]
    assert [(row.day.day, row.model_version) for row in _rates(*rows)] == [(2, "10"), (2, "9"), (1, "9")]


@pytest.mark.parametrize(
    ("timezone", "day"), [("UTC", 2), ("Pacific/Kiritimati", 3), ("America/Los_Angeles", 2)]
)
def test_a_day_is_one_of_the_site(timezone: str, day: int) -> None:
    (row,) = _rates(Answered("a", NOON, "1"), timezone=timezone)
    assert row.day.day == day


def test_a_dish_that_the_answer_did_not_show_is_feedback_and_no_judgement() -> None:
    (row,) = _rates(_answered("a", "like", position=None))
    assert (row.joined.mean, row.judged, row.positive, row.position) == (1.0, 0, None, None)
    assert _rates() == []


@given(
    st.lists(
        st.builds(
            Answered,
            st.sampled_from(["a", "b", "č", ""]),
            st.just(NOON),
            st.sampled_from(["1", "2", "preview"]),
            st.none()
            | st.builds(
                Reaction,
                st.sampled_from(["soup", "rice"]),
                st.none() | st.integers(1, 200),
                st.sampled_from(KINDS),
                st.none() | st.floats(0, 5),
                st.booleans(),
            ),
        )
    )
)
def test_no_share_leaves_its_interval_and_no_answer_is_lost(rows: list[Answered]) -> None:
    result = _rates(*rows)
    answers = Counter(version for _, version in {(row.answer_id, row.model_version) for row in rows})
    assert {row.model_version: row.answers for row in result} == answers
    for row in result:
        for share in filter(None, (row.joined, row.positive)):
            assert 0 <= share.low <= share.mean <= share.high <= 1
        assert (row.positive is None) == (row.judged == 0)


TODAY = date(2026, 11, 14)


def _week_of(positive: int, judged: int, days_ago: int) -> AnswerRates:
    share = Interval(positive / judged, 0.0, 1.0) if judged else None
    return AnswerRates(
        TODAY - timedelta(days=days_ago), "1", 900, Interval(0.5, 0.4, 0.6), judged, share, None, judged
    )


@pytest.mark.parametrize(
    ("lately", "before", "is_told"),
    [((30, 100), (60, 100), True), ((60, 100), (30, 100), False), ((55, 100), (60, 100), False),
     ((0, 3), (3, 3), False), ((0, 0), (60, 100), False), ((30, 100), (0, 0), False)],
)  # fmt: skip
def test_a_clear_fall_of_what_is_liked_is_told(
    lately: tuple[int, int], before: tuple[int, int], *, is_told: bool
) -> None:
    sentence = why_fallen([_week_of(*lately, 0), _week_of(*before, 7)], TODAY)
    assert bool(sentence) == is_told
    if sentence:
        assert "Of what 100 people judged in the last 7 days 30% was positive" in sentence
        assert "of what 100 judged in the days before 60%" in sentence


def test_one_person_moves_the_rates_of_a_day_by_one_of_its_people() -> None:
    honest = [_answered(f"a{number}", "like", person=f"p{number % 10}") for number in range(20)]
    eves = [_answered(f"e{number}", "dislike", f"d{number}", person="eve") for number in range(500)]
    (before,), (row,) = _rates(*honest), _rates(*honest, *eves)
    assert before.positive is not None
    assert row.positive is not None
    assert (row.answers, row.judged, row.judges) == (520, 520, 11)
    assert (before.positive.mean, row.positive.mean) == (1.0, pytest.approx(10 / 11))
    earlier = [_week_of(95, 100, 8)]
    assert why_fallen([*earlier, replace(row, day=TODAY)], TODAY) is None


def test_where_nothing_changed_a_fall_is_seldom_told() -> None:
    rng = np.random.default_rng(1)
    sentences = [
        why_fallen([_week_of(int(rng.binomial(300, 0.4)), 300, days) for days in (3, 9)], TODAY)
        for _ in range(400)
    ]
    assert len([sentence for sentence in sentences if sentence]) <= 2
