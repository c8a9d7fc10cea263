"""The request and the answer of /feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from serving.schemas.fields import Body, EventId, Rating, SentId, StoredText
from serving.schemas.request import Request


class FeedbackRequest(Request):
    """What a person did or said about a dish, whether an answer showed that dish or not."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"person_id": "ada", "dish_id": "1", "kind": "like"}},
    )

    person_id: SentId
    dish_id: SentId
    kind: Literal["like", "dislike", "rating", "choice", "order", "retract"]
    value: Rating | None = Field(
        None,
        description="Of a rating, and of nothing else; a rating that the night would quarantine is a 400.",
    )
    answer_id: StoredText = Field(
        "",
        description="The answer that it is about; a choice needs one. A choice from an answer that is not "
        "stored any more counts as an order.",
    )
    occurred_at: datetime | None = Field(None, description="When it happened; now where it is left out.")
    event_id: EventId = Field(
        "",
        description="Names it, so that sending it again changes nothing. Without it, feedback with a time, "
        "and a choice or order from an answer, is named by its content.",
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "rating") != (self.value is not None):
            raise ValueError("a rating has a value, and nothing else has one")
        if self.kind == "choice" and not self.answer_id:
            raise ValueError("a choice is from an answer: send its answer_id, or an order")
        return self


class FeedbackAnswer(Body):
    """The feedback is stored."""

    event_id: str
    again: bool = Field(description="True where it had been stored before.")
