"""Nutrients in requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from components.domain.diet.nutrition import CONFIDENCE, NUTRIENTS


def _nutrient(name: str) -> str:
    if name not in NUTRIENTS:
        raise ValueError(f"{name[:40]!r} is no nutrient: send one of {', '.join(NUTRIENTS)}")
    return name


Bound = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
_BOUNDS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "number", "minimum": 0} for name in NUTRIENTS},
    "additionalProperties": False,
}
Bounds = Annotated[dict[Annotated[str, AfterValidator(_nutrient)], Bound], WithJsonSchema(_BOUNDS)]

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


class NutrientBody(BaseModel):
    """How much of one nutrient a dish holds, in the unit of the nutrient's name; no medical advice."""

    model_config = ConfigDict(extra="forbid")

    low: float
    high: float = Field(description="The same as `low` where it is declared.")
    per: Literal["serving", "100 g"] = Field(
        description="100 g where the dish does not state `serving_g`, so that nobody can tell a serving."
    )
    evidence: Literal["declared", "estimated"]
    confidence: str = Field(description="How far to trust it, in words.")


class NutritionBody(BaseModel):
    """What a dish holds, as its own row says, or estimated from foods of the same name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    nutrients: dict[str, NutrientBody] = Field(description="By nutrient; one that is unknown is missing.")
    matches: list[str] = Field(description="Names of the USDA foods whose range the estimates are.")
