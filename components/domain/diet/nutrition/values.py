"""The values of nutrition: a food of the table, and what is said of a dish's nutrients and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NUTRIENTS = (
    "kcal", "protein_g", "fat_g", "saturated_g", "carbs_g", "sugars_g", "fibre_g", "sodium_mg",
)  # fmt: skip
COSTS = ("price", "minutes")  # of a serving, in the site's currency, and until the dish is ready
QUANTITIES = NUTRIENTS + COSTS
CONFIDENCE = {
    "declared": "as the dish's own row states it",
    "estimated": "low: that of foods with the same name, not of this kitchen's dish",
}


@dataclass(frozen=True)
class Food:
    """A food of a food composition table.

    Attributes:
        name: As the table writes it, the main word first: `Rice, fried, with chicken`.
        per_100g: Amount of each nutrient in 100 g as eaten; one that was not measured is missing.
    """

    name: str
    per_100g: Mapping[str, float]


@dataclass(frozen=True)
class Amount:
    """How much of one nutrient, in the unit of the nutrient's name, or of a cost.

    Attributes:
        low: At least so much.
        high: At most so much; the same as `low` where it is declared.
        per: What the amount is of. Nobody can tell a serving of a dish that has no `serving_g`.
        evidence: Whether the dish's row states it, or foods of the same name hold it.
    """

    low: float
    high: float
    per: Literal["serving", "100 g"]
    evidence: Literal["declared", "estimated"]

    @property
    def confidence(self) -> str:
        """How far to trust it, in words."""
        return CONFIDENCE[self.evidence]


@dataclass(frozen=True)
class Nutrition:
    """The nutrients and costs of a dish.

    Attributes:
        amounts: By quantity; one that is unknown is missing.
        matches: Names of the foods that the estimated amounts are the range of.
    """

    amounts: Mapping[str, Amount] = field(default_factory=dict)
    matches: tuple[str, ...] = ()
