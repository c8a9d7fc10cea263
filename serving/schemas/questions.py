"""The request and the answer of /questions."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from serving.schemas.fields import Body, Notes, PersonBody, SentId
from serving.schemas.request import Request

MOST_QUESTIONS = 20


class QuestionsRequest(PersonBody, Request):
    """A person who would answer some questions: would you eat this?"""

    model_config = ConfigDict(json_schema_extra={"example": {"person_id": "ada", "k": 3}})

    k: Annotated[int, Field(ge=1, le=MOST_QUESTIONS, strict=True)] = 10
    without: Annotated[list[SentId], Field(max_length=1000)] = Field(
        [], description="Dishes that are not asked about, beside those of the history."
    )


class AskedDish(Body):
    """A dish to ask about; a history names it by its id."""

    dish_id: str
    name: str
    description: str


class QuestionsAnswer(Body):
    """Dishes to ask a person about, the most telling one first; nothing of it is stored."""

    dishes: list[AskedDish] = Field(
        description="Dishes that the person may eat; fewer than k where no more are left."
    )
    notes: Notes
