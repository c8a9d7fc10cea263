"""The request and the answer of /plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from serving.schemas.fields import (
    Body,
    Notes,
    PersonBody,
    SentId,
    Standing,
    Word,
    Words,
)
from serving.schemas.recommend import Bounds

MOST_EATERS, MOST_DAYS, MOST_SLOTS = 8, 14, 6
Day = Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True, description="1 is the first day.")]
Number = Annotated[int, Field(ge=0, le=100, strict=True)]

Portion = Annotated[float, Field(ge=0.5, le=1.5, multiple_of=0.5, strict=True)]
SlotName = Annotated[str, Field(min_length=1, max_length=40)]

_EXAMPLE: dict[str, Any] = {
    "people": [
        {"person_id": "ada", "at_most": {"kcal": 2200}},
        {"person_id": "bob", "diet": "vegetarian", "allergies": ["nuts"]},
    ],
    "days": 7,
    "slots": [{"name": "dinner", "tags": ["main"]}],
    "rules": [{"tag": "fish", "at_most": 2}],
}


class EaterBody(PersonBody):
    """A person of the household, whom the service knows or who is described here."""

    at_most: Bounds = Field(
        {},
        description="By nutrient the most of a day. A dish of unknown amount is then in no meal of theirs.",
    )
    at_least: Bounds = Field({}, description="By nutrient the least of a day; likewise.")
    at_most_in_all: Bounds = Field({}, description="By nutrient the most of all days together; likewise.")
    at_least_in_all: Bounds = Field({}, description="By nutrient the least of all days together; likewise.")


class SlotBody(Body):
    """A meal that is planned on each day, or on some."""

    name: SlotName
    days: Annotated[list[Day], Field(max_length=MOST_DAYS)] = Field([], description="Empty for all days.")
    tags: Words = Field([], description="Only dishes with one of these tags; empty for all.")
    dishes: Annotated[list[SentId], Field(max_length=1000)] = Field(
        [], description="Only these dishes of the catalogue; empty for all."
    )
    people: Annotated[list[SentId], Field(max_length=MOST_EATERS)] = Field(
        [], description="Who eats it; empty for everybody."
    )
    count: Annotated[int, Field(ge=1, le=4, strict=True)] = Field(1, description="Number of dishes.")
    one_each: bool = Field(
        default=False, strict=True, description="Whether each person may get dishes of their own."
    )
    portions: Annotated[list[Portion], Field(min_length=1, max_length=3)] = Field(
        [1.0], description="Servings that a dish may have: 0.5, 1 or 1.5. All who share a dish have the same."
    )


class RuleBody(Body):
    """How many dishes with a tag each person gets."""

    tag: Annotated[Word, Field(min_length=1)]
    at_least: Number | None = None
    at_most: Number | None = None
    a_day: bool = Field(
        default=False, strict=True, description="Whether it holds for each day; else for all days together."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"the rule for {self.tag!r} has no number: send at_least or at_most")
        return self


class PlaceBody(Body):
    """A meal of one day."""

    day: Day
    slot: SlotName


class LockBody(PlaceBody):
    """A dish that a meal must have; it need not have the tags of the slot."""

    dish_id: SentId


class PlanRequest(Body):
    """A household, its meals, and what they must keep to."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    people: Annotated[list[EaterBody], Field(min_length=1, max_length=MOST_EATERS)]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True)] = 7
    slots: Annotated[list[SlotBody], Field(min_length=1, max_length=MOST_SLOTS)]
    rules: Annotated[list[RuleBody], Field(max_length=20)] = Field([])
    locks: Annotated[list[LockBody], Field(max_length=100)] = Field([])
    skips: Annotated[list[PlaceBody], Field(max_length=100)] = Field([], description="Meals without a plan.")
    repeat_after_days: Annotated[int, Field(ge=0, le=30, strict=True)] = Field(
        7, description="Days within which a dish, or a main tag, costs liking when it comes again; 0: never."
    )
    satisfy: Literal["mean", "least_first"] = Field(
        "mean",
        description="Whose liking counts: the mean, or the least satisfied person's and then the mean.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for complaint in self._complaints():
            raise ValueError(complaint)
        return self

    def _complaints(self) -> Iterator[str]:
        people, slots = [person.person_id for person in self.people], [slot.name for slot in self.slots]
        for what, names in (("person_id", people), ("slot", slots)):
            yield from (
                f"{what} {name!r} comes twice: send each once" for name in names if names.count(name) > 1
            )
        for slot in self.slots:
            strangers = [name for name in slot.people if name not in people]
            yield from (f"slot {slot.name!r} is for {name!r}: send that person" for name in strangers)
            yield from (self._too_late(day) for day in slot.days if day > self.days)
        for place in (*self.locks, *self.skips):
            if place.slot not in slots:
                yield f"slot {place.slot!r} is not planned: send one of {', '.join(slots)}"
            if place.day > self.days:
                yield self._too_late(place.day)
        if not any(self.is_planned(slot, day) for slot in self.slots for day in range(1, self.days + 1)):
            yield "no meal is left to plan: skip fewer"
        for lock in self.locks:
            (slot,) = (each for each in self.slots if each.name == lock.slot)
            if not self.is_planned(slot, lock.day):
                yield f"{lock.slot!r} of day {lock.day} has a lock and is not planned: send one or the other"

    def _too_late(self, day: int) -> str:
        return f"day {day} comes after the last, {self.days}"

    def is_planned(self, slot: SlotBody, day: int) -> bool:
        """Tells whether a slot is planned on a day."""
        skipped = {(skip.day, skip.slot) for skip in self.skips}
        return (not slot.days or day in slot.days) and (day, slot.name) not in skipped


class IntervalBody(Body):
    """How much of a nutrient, from the least to the most that it may be."""

    low: float
    high: float


Amounts = Annotated[
    dict[str, IntervalBody],
    Field(description="By nutrient; one is missing where any dish's amount is unknown. No medical advice."),
]


class PlannedDish(Body):
    """One dish of a meal."""

    dish_id: str
    name: str
    portion: float
    liking: dict[str, float] = Field(
        description="By person the chance, 0 to 1, that they prefer the dish to the catalogue's median dish."
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
    notes: Notes
    allergies_known: bool = Field(description="As in /recommend.")
    cold_start: bool = Field(description="True where nothing is known of the person: popularity counts.")
    model: str
    model_version: str
    data_version: str
    preview: bool
    ranked_by: str
    standing: Standing


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
    left_out: list[LeftOutAnswer]
    reasons: list[str] = Field(description="Wishes that contradict each other, a sentence each.")
    change: str | None = Field(description="The least change of one wish that helps, where there is one.")
