"""A canary survives its file, and says what is wrong with other scores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.domain.records import DISLIKED, LIKED, Dish, Past
from components.domain.verdict import canary

DISHES = tuple(Dish(f"d{n}", f"dish {n}", tags=("t",), ingredients=("i",)) for n in range(3))
QUESTION = canary.CanaryQuestion(
    ((DISHES[0], LIKED, None), (DISHES[1], DISLIKED, 2.0)), DISHES[1:], (1.0, 2.0), (0.0, 0.5)
)


def test_a_question_is_what_was_stored() -> None:
    question = QUESTION.question()
    assert question.history == (Past("d0", LIKED), Past("d1", DISLIKED, 2.0))
    assert question.dishes == ("d1", "d2")
    assert set(QUESTION.menu()) == {"d0", "d1", "d2"}


@pytest.mark.parametrize("key", ["questions", "cases"])
def test_questions_survive_json_and_the_key_of_older_versions_is_read(key: str) -> None:
    values: dict[str, Any] = json.loads(json.dumps(canary.to_json("new", [QUESTION])))
    assert values["candidate"] == "new"
    values["questions"][0]["merged"] = [1.0, 2.0]  # as nights before 0.3.0 stored
    assert canary.from_json({key: values["questions"]}) == [QUESTION]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((1.0, 2.0), None),
        ((1.005, 1.995), None),
        ((1.0, 2.01), "up to 0.0100 logits off"),
        ((1.0, 2.2), "up to 0.2000 logits off"),
        ((0.0, 0.5), "nearer to the untuned base"),
        ((1.0, float("nan")), "up to inf logits off"),
    ],
)
def test_other_scores_are_named(scores: tuple[float, ...], words: str | None) -> None:
    reason = canary.why_wrong([QUESTION], [scores])  # of an effect of 1.5
    assert reason is None if words is None else words in str(reason)


def test_an_adapter_that_changes_nothing_proves_nothing() -> None:
    plain = canary.CanaryQuestion(QUESTION.history, QUESTION.dishes, (1.0, 2.0), (1.0, 2.09))
    assert "proves nothing" in str(canary.why_wrong([plain], [(1.0, 2.0)]))
