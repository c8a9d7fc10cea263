"""The answers of the last days as the store gives them, whose they are left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.domain.exposures import Answered, Exposure, Feedback, Reaction, Shown
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore, answers_since

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SHOWN = tuple(Shown(Dish(dish, "Süppchen"), 0.1, 1.0) for dish in ("soup", "rice"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ServiceStore:
    if request.param == "postgresql":
        return ServiceStore(request.getfixturevalue("server"))
    return ServiceStore(f"sqlite:///{tmp_path / 'service.db'}")


def test_answers_come_with_their_feedback_from_a_moment_on(store: ServiceStore) -> None:
    for answer, at in (("old", NOW - timedelta(days=9)), ("a", NOW), ("b", NOW)):
        store.add_exposure(Exposure(answer, "ada", at, SHOWN, "{}", "1", "x"))
    feedback = [
        ("e1", "ada", "rice", "like", "a", 1), ("e2", "ada", "rice", "retract", "", 2),
        ("e3", "ada", "rice", "dislike", "a", 3), ("e4", "ada", "soup", "order", "a", 900),
        ("e5", "eve", "soup", "retract", "", 999), ("e6", "ada", "soup", "like", "old", 4),
        ("e7", "ada", "gone", "like", "a", 5), ("e8", "ada", "soup", "like", "no answer", 6),
    ]  # fmt: skip
    for event, person, dish, kind, answer, hours in feedback:
        at = NOW + timedelta(hours=hours)
        store.add_feedback(Feedback(event, person, dish, kind, None, answer, at))
    rows = list(answers_since(store.engine, NOW - timedelta(days=1)))
    assert [row.reaction for row in rows if row.answer_id == "a"] == [
        Reaction("rice", 2, "like", None, is_retracted=True),
        Reaction("rice", 2, "dislike", None, is_retracted=False),
        Reaction("gone", None, "like", None, is_retracted=False),
        Reaction("soup", 1, "order", None, is_retracted=False),  # another person's retract is another's
    ]
    assert [row for row in rows if row.answer_id != "a"] == [Answered("b", NOW, "1")]
    assert "ada" not in str(rows)
