"""The request and the answer of /recommend, nutrients included."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from components.domain.diet.nutrition import CONFIDENCE, QUANTITIES
from serving.schemas.fields import (
    Bases,
    Body,
    LeftOutDish,
    Notes,
    PersonBody,
    SentId,
    Standing,
    Word,
    Words,
)
from serving.schemas.request import Request


def _quantity(name: str) -> str:
    if name not in QUANTITIES:
        raise ValueError(f"{name[:40]!r} cannot be bounded: send one of {', '.join(QUANTITIES)}")
    return name


Bound = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
_BOUNDS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "number", "minimum": 0} for name in QUANTITIES},
    "additionalProperties": False,
}
Bounds = Annotated[dict[Annotated[str, AfterValidator(_quantity)], Bound], WithJsonSchema(_BOUNDS)]

_EXAMPLE: dict[str, Any] = {
    "nutrients": {
        "kcal": {
            "low": 620,
            "high": 620,
            "per": "serving",
            "evidence": "declared",
            "confidence": CONFIDENCE["declared"],
        },
        "protein_g": {
            "low": 5.2,
            "high": 5.2,
            "per": "100 g",
            "evidence": "estimated",
            "confidence": CONFIDENCE["estimated"],
        },
    },
    "matches": ["Beef curry with rice"],
}


class NutrientBody(Body):
    """How much of one nutrient a dish holds, in the unit of its name, or a cost; no medical advice."""

    low: float
    high: float = Field(description="The same as `low` where it is declared.")
    per: Literal["serving", "100 g"] = Field(
        description="100 g where the dish does not state `serving_g`, so that nobody can tell a serving."
    )
    evidence: Literal["declared", "estimated"]
    confidence: str = Field(description="How far to trust it, in words.")


class NutritionBody(Body):
    """What a dish holds, as its own row says, or estimated from foods of the same name."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    nutrients: dict[str, NutrientBody] = Field(
        description="By nutrient, with `price` and `minutes`; one that is unknown is missing."
    )
    matches: list[str] = Field(description="Names of the USDA foods whose range the estimates are.")


class RecommendRequest(PersonBody, Request):
    """A person whom the service knows or who is described here, and which dishes may be offered."""

    model_config = ConfigDict(json_schema_extra={"example": {"person_id": "ada", "k": 5}})

    k: Annotated[int, Field(ge=1, le=100, strict=True)] = 10
    dishes: Annotated[list[SentId], Field(max_length=1000)] = Field(
        [], description="Ids of what is on offer; empty for the whole catalogue."
    )
    tags: Words = Field([], description="Only dishes with one of these tags, such as a meal's.")
    at_most: Bounds = Field(
        {},
        description="By nutrient, `price` or `minutes` the most of a serving; a dish of unknown amount is "
        "left out.",
    )
    at_least: Bounds = Field({}, description="The least of a serving; likewise.")

    model_version: Word | None = Field(
        None,
        description="Which of the versions in /versions answers, whoever asks; only with `keep` false, since "
        "a trial divides the people itself.",
    )

    @model_validator(mode="after")
    def _leaves_the_trial_alone(self) -> Self:
        if self.model_version is not None and self.keep:
            raise ValueError("a model_version is only shown: send it with keep false")
        return self

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        for name in self.at_least.keys() & self.at_most.keys():
            if self.at_least[name] > self.at_most[name]:
                least, most = self.at_least[name], self.at_most[name]
                raise ValueError(f"no dish has at least {least:g} and at most {most:g} of {name}")
        return self


class Recommendation(Body):
    """One recommended dish."""

    dish_id: str
    name: str
    score: float = Field(
        description="In logits; where cold_start is true the share of those who were offered it that chose "
        "it, or of its opinions the likes."
    )
    sure: float | None = Field(
        description="How often, on held-out menus, a dish with such a lead over the next one was preferred "
        "to it; null for the last dish, on a cold start, and of a release without that record."
    )
    because: list[str] = Field(
        description="Names of past dishes without which its score would be lowest: sensitivity, no cause."
    )
    basis: Bases
    nutrition: NutritionBody


class RecommendAnswer(Body):
    """The dishes for a person, best first."""

    answer_id: str
    person_id: str
    dishes: list[Recommendation]
    left_out: list[LeftOutDish] = Field(
        description="What is not offered, and why, 1,000 dishes of a kind at most; no medical guarantee."
    )
    notes: Notes
    allergies_known: bool = Field(
        description="False where the person is in no table of people and the request sends no `allergies`: "
        "then nothing was left out for any."
    )
    cold_start: bool = Field(description="True where nothing is known of the person: popularity ranks.")
    sure_of_person: float | None = Field(
        description="Share of pairs of the ranked dishes that the model expects to order as this person's "
        "ratings would, by theirs so far alone; chance is 0.5. null where some of their opinions are likes "
        "or choices, on a cold start, with fewer than two dishes, and where a rule or dish vectors answer."
    )
    considered: int = Field(description="Number of dishes that were ranked; without those not read yet.")
    published_at: datetime | None = Field(
        description="When a night whose checks passed last brought dishes and people, UTC; days ago where "
        "nights stop. Feedback counts at once all the same. null: a store of before, until the next night."
    )
    model: str
    model_version: str
    data_version: str
    preview: bool
    ranked_by: str
    standing: Standing
