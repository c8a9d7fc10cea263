"""A model that reads each dish after the history ranks the most popular ones, as many as it may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from components.domain.catalogue import Listed, Person
from components.domain.records import DISLIKED, LIKED, Past, Question
from components.integrations import scoring
from serving import recommending
from serving.arm import Arm
from serving.listing import listing_of
from serving.schemas.recommend import RecommendRequest
from tests.conftest import eight_dishes
from tests.serving.conftest import FIELDS

HISTORY = (Past("d0", LIKED), Past("d7", DISLIKED))


async def _in_turn(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


@pytest.mark.parametrize("trained", ["answers"], indirect=True)
def test_the_most_popular_are_ranked_and_counted(served: Path) -> None:
    arm, dishes = Arm.open(served), eight_dishes()
    assert arm.table is None
    catalogue = listing_of(Listed(dish, None, number / 10) for number, dish in enumerate(dishes.values()))
    request = RecommendRequest.model_validate({"person_id": "p", "k": 2})
    at, person = catalogue.on_offer(request), Person(history=HISTORY)
    ranked = anyio.run(recommending.rank, _in_turn, arm, request, person, at, catalogue)
    assert (ranked.considered, ranked.cold_start) == (3, False)  # max_dishes is 3
    scores = {listed.dish.dish_id: score for listed, score in ranked.dishes}
    popular = ("d7", "d6", "d5")
    question = Question("p", HISTORY, popular)
    expected = scoring.score_question(arm.model, arm.model.dish_tokens(dishes, FIELDS, 3), question)
    assert scores == pytest.approx(dict(zip(popular, expected, strict=True)), abs=1e-4)
