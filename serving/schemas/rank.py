"""The request and the answer of /rank, and the answer of /canary, which asks it stored questions again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from serving.schemas.fields import (
    Allergies,
    Bases,
    Body,
    Diets,
    DishBody,
    LeftOutDish,
    Notes,
    PastBody,
    SentId,
    Standing,
    Words,
)
from serving.schemas.request import Request

_EXAMPLE: dict[str, Any] = {
    "person_id": "ada",
    "history": [
        {"dish": {"dish_id": "h1", "name": "Halloumi", "description": "vegetarian"}},
        {
            "dish": {"dish_id": "h2", "name": "Beef roulade", "description": "with meat or fish"},
            "verdict": "disliked",
        },
    ],
    "dishes": [
        {"dish_id": "1", "name": "Cauliflower potato curry", "description": "vegetarian"},
        {"dish_id": "2", "name": "Chicken leg", "description": "with meat or fish"},
    ],
}


class RankRequest(Request):
    """A person, what they had before, and what is on offer now."""

    model_config = ConfigDict(
        json_schema_extra={"example": _EXAMPLE},  # the singular: BentoML writes OpenAPI 3.0
    )

    person_id: SentId = Field(
        description="Names the person in the answer; the history is what is known of them."
    )
    history: list[PastBody] = Field([], description="Oldest first.")
    dishes: Annotated[list[DishBody], Field(min_length=1)] = Field(
        description="What is on offer; unique dish ids."
    )
    diet: Diets = Field("", description="One or several: vegetarian, vegan, halal, …; docs/diet.md")
    allergies: Allergies = Field([], description="What is not shown to be free of one is left out.")
    avoids: Words = Field(
        [],
        description="Foods, alone or in a sentence; what names one, or lists no ingredients, is left out. A "
        "word that nobody knows as a food is said in `notes`.",
    )
    use_stored_restrictions: bool = Field(
        default=True,
        strict=True,
        description="Whether diet, allergies and avoids that the service's store has of this person count "
        "besides those of the request. false: those of the request are all that counts.",
    )


class RankedDish(Body):
    """A dish with its score in logits; only differences within one answer mean anything."""

    dish_id: str
    score: float
    basis: Bases


_ANSWER: dict[str, Any] = {
    "answer_id": "palate:v3-1a2b3c4d/0123456789abcdef",
    "person_id": "ada",
    "order": ["2"],
    "scores": [
        {
            "dish_id": "2",
            "score": 1.3,
            "basis": [
                {"restriction": "vegan", "source": "tag", "sentence": "a tag of the kitchen says vegan"},
            ],
        }
    ],
    "left_out": [{"dish_id": "1", "reasons": ["not shown to be vegan: contains meat: 'roulade' in name"]}],
    "stored_restrictions": "applied",
    "notes": [],
    "model": "palate",
    "model_version": "3",
    "data_version": "4dc9e6c0b5bc3a8f686d6ec2b0fed82e.dir",
    "preview": False,
    "ranked_by": "factors",
    "standing": "promoted",
}


class RankAnswer(Body):
    """The dishes, best first, and what ranked them."""

    model_config = ConfigDict(json_schema_extra={"example": _ANSWER})

    answer_id: str = Field(
        description="Leads back to version and rows: `.venv/bin/python -m flows lineage ANSWER_ID`."
    )
    person_id: str
    order: list[str] = Field(description="Ids of the dishes that may be offered, best first.")
    scores: list[RankedDish] = Field(description="Of the same dishes, in the order asked.")
    left_out: list[LeftOutDish] = Field([], description="All others, with the reasons. No medical guarantee.")
    stored_restrictions: Literal["applied", "none", "ignored"] = Field(
        description="What became of the stored diet, allergies and avoids: applied; none, where the store "
        "has no row of the person; or ignored, as the request asked."
    )
    notes: Notes
    model: str
    model_version: str
    data_version: str = Field(description="DVC md5 of the events that the version was trained on.")
    preview: bool = Field(description="True while nobody has promoted this version.")
    ranked_by: str = Field(description="Name of the candidate, or of the rule, that ranked the dishes.")
    standing: Standing


class CanaryAnswer(Body):
    """Whether what is served was just proven to be the adapter that was trained."""

    passed: bool
    reason: str = Field(description="Why it failed; empty where it passed.")
    worst: float | None = Field(description="Largest difference from the adapter's scores, in logits.")
    model_version: str
    bento: str
    adapter_sha256: str = Field(description="Checksum of the adapter's weights, or of the rule's files.")
