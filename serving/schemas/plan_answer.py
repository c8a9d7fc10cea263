"""The answer of /plan."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.schemas.fields import Body, Notes, Standing


class IntervalBody(Body):
    """How much of a nutrient, a price or minutes, from the least to the most that it may be."""

    low: float
    high: float


Amounts = Annotated[
    dict[str, IntervalBody],
    Field(
        description="By nutrient, with `price` and `minutes`; missing where any dish's amount is unknown. No "
        "medical advice."
    ),
]


class PlannedDish(Body):
    """One dish of a meal."""

    dish_id: str
    name: str
    portion: float
    liking: dict[str, float] = Field(
        description="By person the chance, 0 to 1, that they prefer the dish to the catalogue's median dish."
    )
    liking_interval: dict[str, IntervalBody] = Field(
        description="By person from where to where their liking lies with 95 %, by their opinions so far. "
        "Missing on a cold start, and where a rule or trained dish vectors answer."
    )
    because: dict[str, list[str]] = Field(
        description="By person the names of past dishes that speak for it, as in /recommend."
    )


class MealAnswer(Body):
    """One meal of one day."""

    day: int
    slot: str
    dishes: list[PlannedDish]


class EaterAnswer(Body):
    """What the plan is for one person."""

    person_id: str
    answer_id: str = Field(
        description="Of this person, for /feedback: an order, a like, a dislike or a rating. A plan is no "
        "menu, so no choice is made from it."
    )
    liking: float | None = Field(description="Mean over their dishes; null where they have none.")
    days: list[Amounts] = Field(description="Totals of each day.")
    total: Amounts
    at_most: dict[str, float] = Field(
        description="By nutrient the most of a day that held, reference intakes included."
    )
    at_least: dict[str, float] = Field(description="By nutrient the least of a day; likewise.")
    notes: Notes
    allergies_known: bool = Field(description="As in /recommend.")
    cold_start: bool = Field(description="True where nothing is known of the person: popularity counts.")
    model: str
    model_version: str
    data_version: str
    preview: bool
    ranked_by: str
    standing: Standing


class IngredientBody(Body):
    """An ingredient of the plan."""

    ingredient: str
    servings: float = Field(description="Of all dishes that list it, for all who eat them.")
    dishes: list[str] = Field(description="Their names.")


class ShoppingAnswer(Body):
    """What the dishes of the plan are made of."""

    ingredients: list[IngredientBody] = Field(description="In alphabetical order.")
    unlisted: list[str] = Field(description="Names of the dishes that list no ingredients.")


class LeftOutAnswer(Body):
    """What was left out for one person."""

    person_id: str
    dishes: int = Field(description="Number of dishes of the catalogue.")
    reasons: dict[str, int] = Field(
        description="By reason the number of dishes, which may have several; of the first 1,000 dishes that "
        "may not be eaten."
    )


class PlanAnswer(Body):
    """The plan, or why there is none."""

    status: Literal["optimal", "within_gap", "stopped_early", "impossible"] = Field(
        description="optimal: no plan is better. within_gap: the gap is small enough. stopped_early: time "
        "was over. impossible: wishes contradict each other."
    )
    gap: float | None = Field(
        description="Share by which a better plan could be better at most, proven; null where there is none."
    )
    meals: list[MealAnswer]
    people: list[EaterAnswer]
    shopping: ShoppingAnswer
    left_out: list[LeftOutAnswer]
    reasons: list[str] = Field(description="Wishes that contradict each other, a sentence each.")
    change: str | None = Field(description="The least change of one wish that helps, where there is one.")
