"""The answers of `/people/{person_id}` and the request and answer of `/erasures`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from serving.schemas.fields import Body, StoredId
from serving.schemas.request import Request

MOST_ERASED = 1_000  # people in one request


class PastAnswer(Body):
    """One line of a person's history."""

    dish_id: str
    verdict: Literal["liked", "neutral", "disliked"]
    rating: float | None


class EatenAnswer(Body):
    """When a person last chose or ordered a dish."""

    dish_id: str
    at: datetime


class ShownAnswer(Body):
    """One dish of an answer, with the score that it had."""

    dish_id: str
    name: str
    score: float


class GivenAnswer(Body):
    """An answer that was given to a person."""

    answer_id: str
    at: datetime
    dishes: list[ShownAnswer] = Field(description="In the order in which they were shown.")
    filters: dict[str, Any] = Field(
        description="What the request was narrowed by, and as `applied` the diet, allergies and avoids that "
        "held, those of the person included; answers from before 0.3.0 have less."
    )
    model_version: str
    data_version: str


class StoredFeedback(Body):
    """What a person did or said."""

    event_id: str
    dish_id: str
    kind: str
    value: float | None
    answer_id: str
    occurred_at: datetime
    received_at: datetime


class RankingAnswer(Body):
    """Whether the model ranks what a person liked above what they disliked, by their own opinions alone."""

    better_than_chance: bool | None = Field(
        description="true: better than chance; of people who judge at random, at most one in 20 gets it. "
        "false: not yet. null: it cannot be told by these opinions, or of the model that serves."
    )
    pairs: int = Field(
        description="Pairs of dishes, one liked more; each is predicted from the other opinions."
    )
    accuracy: float | None = Field(description="Share of the pairs that come out right; chance is 0.5.")
    more_opinions: int | None = Field(
        description="About how many more opinions it takes; null where unknown, or where none is needed."
    )
    sentence: str = Field(description="The same in words.")


class PersonAnswer(Body):
    """All that the service's store holds of a person."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "person_id": "ada",
                "diet": "vegetarian",
                "allergies": ["peanut"],
                "avoids": [],
                "history": [{"dish_id": "7", "verdict": "liked", "rating": None}],
                "eaten": [{"dish_id": "7", "at": "2026-11-24T11:30:00Z"}],
                "answers": [],
                "feedback": [],
                "ranking": {
                    "better_than_chance": None,
                    "pairs": 0,
                    "accuracy": None,
                    "more_opinions": 5,
                    "sentence": "Cannot be told: no dish was liked more than another one. "
                    "At least 5 more opinions are needed.",
                },
            }
        }
    )

    person_id: str
    diet: str = Field(description="Several have ; between them.")
    allergies: list[str]
    avoids: list[str]
    history: list[PastAnswer] = Field(description="As the last night published it, oldest first.")
    eaten: list[EatenAnswer] = Field(description="Dishes by when they were last eaten, oldest first.")
    answers: list[GivenAnswer] = Field(description="That the person was given, oldest first.")
    feedback: list[StoredFeedback] = Field(description="In the order in which it came.")
    ranking: RankingAnswer | None = Field(
        description="How well the model knows the person; null while the service cannot say."
    )


class ErasureAnswer(Body):
    """The person is hidden, and the next night takes them out of everything else."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"person_id": "ada", "queued_at": "2026-11-25T18:00:00Z"}}
    )

    person_id: str
    queued_at: datetime


class ErasureRequest(Request):
    """People to be erased at once."""

    model_config = ConfigDict(json_schema_extra={"example": {"person_ids": ["ada", "bob"]}})

    person_ids: list[StoredId] = Field(min_length=1, max_length=MOST_ERASED)


class ErasuresAnswer(Body):
    """All of the people are hidden, and the next night takes them out of everything else."""

    people: int = Field(description="Number of different ids.")
    queued_at: datetime = Field(description="When the last of them was queued.")
