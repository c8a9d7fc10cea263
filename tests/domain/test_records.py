"""Records are values: equal where their fields are, and never changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from components.domain import records
from components.domain.records import LIKED, NEUTRAL, Comparison, Dish, Past, Question

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMPARISON = Comparison("Ада", (Past("p", LIKED),), ("p", "q"), "k", NOW, "q")
RECORDS = (Dish("p", "Борщ"), Past("p", NEUTRAL, 3.0), Question("Ада", (), ("p",)), COMPARISON)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_twins_are_one_member_of_a_set_and_cannot_be_changed(record: object) -> None:
    twin = type(record)(**vars(record))
    assert twin is not record
    assert {twin, record} == {record}
    for name in vars(record):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, None)


def test_a_moment_is_the_same_wherever_it_is_read() -> None:
    abroad = replace(COMPARISON, at=NOW.astimezone(timezone(timedelta(hours=5, minutes=45))))
    assert {abroad, COMPARISON} == {COMPARISON}
    assert replace(COMPARISON, at=NOW + timedelta(microseconds=1)) != COMPARISON


def test_a_comparison_is_a_question_whose_answer_counts() -> None:
    question = Question(COMPARISON.person_id, COMPARISON.history, COMPARISON.dishes)
    assert isinstance(COMPARISON, Question)
    assert Comparison(**vars(question), key="k", at=NOW, chosen="q") == COMPARISON
    assert COMPARISON not in {question, replace(COMPARISON, chosen="p")}


@pytest.mark.parametrize("passed", [[], [True], [False, False], [True, False, True, False]])
def test_what_failed_is_listed_in_the_order_of_the_checks(passed: list[bool]) -> None:
    results = [records.CheckResult("t", f"e{n}", "c", good, 0, (), "") for n, good in enumerate(passed)]
    failed = records.CheckReport(tuple(results), {"t": 4}).failed
    assert [result.expectation for result in failed] == [f"e{n}" for n, good in enumerate(passed) if not good]
