"""The request of /plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from serving.schemas.fields import (
    Body,
    PersonBody,
    SentId,
    Word,
    Words,
)
from serving.schemas.recommend import Bound, Bounds
from serving.schemas.request import Request

MOST_EATERS, MOST_DAYS, MOST_SLOTS = 8, 14, 6
Day = Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True, description="1 is the first day.")]
Number = Annotated[int, Field(ge=0, le=100, strict=True)]

Portion = Annotated[float, Field(ge=0.5, le=1.5, multiple_of=0.5, strict=True)]
SlotName = Annotated[str, Field(min_length=1, max_length=40)]

_EXAMPLE: dict[str, Any] = {
    "people": [
        {"person_id": "ada", "at_most": {"kcal": 2200}, "at_most_in_all": {"price": 70}},
        {"person_id": "bob", "diet": "vegetarian", "allergies": ["nuts"]},
    ],
    "days": 7,
    "slots": [{"name": "dinner", "tags": ["main"], "minutes": 45}],
    "rules": [{"tag": "fish", "at_most": 2}],
}


def _has_days_after_it(text: str) -> str:
    """Refuses what is no date, or too late for the days of a plan."""
    try:
        date.fromisoformat(text) + timedelta(days=MOST_DAYS)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no date of a first day: write it as 2026-12-07") from error
    return text


def _is_a_time(text: str) -> str:
    if not re.fullmatch(_TIME, text):
        raise ValueError(f"{text!r} is no time of day: write it as 18:30")
    return text


_DATE = WithJsonSchema({"type": "string", "format": "date"})
FirstDay = Annotated[str, Field(max_length=10), AfterValidator(_has_days_after_it), _DATE]
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_CLOCK = WithJsonSchema({"type": "string", "pattern": f"^{_TIME}$"})
TimeOfDay = Annotated[str, Field(max_length=5), AfterValidator(_is_a_time), _CLOCK]


class EaterBody(PersonBody):
    """A person of the household, whom the service knows or who is described here."""

    bounds: Literal["reference"] | None = Field(
        None,
        description="reference: the intakes of an average adult a day, by Regulation (EU) No 1169/2011, "
        "Annex XIII. A nutrient in `at_most` or `at_least` takes none of them.",
    )
    at_most: Bounds = Field(
        {},
        description="By nutrient, `price` or `minutes` the most of a day. A dish of unknown amount is then "
        "in no meal of theirs.",
    )
    at_least: Bounds = Field({}, description="The least of a day; likewise.")
    at_most_in_all: Bounds = Field({}, description="The most of all days together; likewise.")
    at_least_in_all: Bounds = Field({}, description="The least of all days together; likewise.")


class SlotBody(Body):
    """A meal that is planned on each day, or on some."""

    name: SlotName
    days: Annotated[list[Day], Field(max_length=MOST_DAYS)] = Field([], description="Empty for all days.")
    tags: Words = Field([], description="Only dishes with one of these tags; empty for all.")
    dishes: Annotated[list[SentId], Field(max_length=1000)] = Field(
        [], description="Only these dishes of the catalogue; empty for all."
    )
    on_menu: bool = Field(
        default=False,
        strict=True,
        description="Whether it has only dishes of the menus that are served on its day, by the last night.",
    )
    people: Annotated[list[SentId], Field(max_length=MOST_EATERS)] = Field(
        [], description="Who eats it; empty for everybody."
    )
    count: Annotated[int, Field(ge=1, le=4, strict=True)] = Field(1, description="Number of dishes.")
    one_each: bool = Field(
        default=False, strict=True, description="Whether each person may get dishes of their own."
    )
    minutes: Bound | None = Field(
        None,
        description="The most that each person's dishes of the meal may take together in any portions. "
        "A dish of unknown minutes is then in no such meal.",
    )
    time: TimeOfDay | None = Field(None, description="Of the calendar's events, as 18:30; null: all day.")
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


class PlacedBody(PlaceBody):
    """A dish and a meal of one day."""

    dish_id: SentId


class KeptBody(PlacedBody):
    """A dish of an earlier plan."""

    portion: Portion | None = Field(None, description="Null for any.")
    people: Annotated[list[SentId], Field(max_length=MOST_EATERS)] = Field(
        [], description="Who had it; empty for everybody."
    )


class PlanRequest(Request):
    """A household, its meals, and what they must keep to."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    people: Annotated[list[EaterBody], Field(min_length=1, max_length=MOST_EATERS)]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True)] = 7
    slots: Annotated[list[SlotBody], Field(min_length=1, max_length=MOST_SLOTS)]
    first_day: FirstDay | None = Field(
        None, description="Date of the first day, for calendars and menus; null: today, in UTC."
    )
    rules: Annotated[list[RuleBody], Field(max_length=20)] = Field([])
    locks: Annotated[list[PlacedBody], Field(max_length=100)] = Field(
        [], description="Dishes that meals must have; they need not have the tags of the slot."
    )
    exclusions: Annotated[list[PlacedBody], Field(max_length=100)] = Field(
        [], description="Dishes that meals must not have, so that others take their place."
    )
    kept: Annotated[list[KeptBody], Field(max_length=1000)] = Field(
        [], description="An earlier plan: the new one keeps as much of it as the wishes allow."
    )
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
        for dish in self.kept:
            strangers = [name for name in dish.people if name not in people]
            yield from (f"kept names {name!r}: send that person" for name in strangers)
        for place in (*self.locks, *self.exclusions, *self.kept, *self.skips):
            if place.slot not in slots:
                yield f"slot {place.slot!r} is not planned: send one of {', '.join(slots)}"
            if place.day > self.days:
                yield self._too_late(place.day)
        if not any(self.is_planned(slot, day) for slot in self.slots for day in range(1, self.days + 1)):
            yield "no meal is left to plan: skip fewer"
        for lock in self.locks:
            (slot,) = (each for each in self.slots if each.name == lock.slot)
            where = f"{lock.slot!r} of day {lock.day}"
            if not self.is_planned(slot, lock.day):
                yield f"{where} has a lock and is not planned: send one or the other"
            if lock in self.exclusions:
                yield f"dish_id {lock.dish_id!r} is locked and excluded at {where}: send one or the other"

    def _too_late(self, day: int) -> str:
        return f"day {day} comes after the last, {self.days}"

    def date_of(self, day: int) -> date:
        """Tells the date of a day; without a `first_day` a plan begins today, in UTC."""
        first = date.fromisoformat(self.first_day) if self.first_day else datetime.now(UTC).date()
        return first + timedelta(days=day - 1)

    def is_planned(self, slot: SlotBody, day: int) -> bool:
        """Tells whether a slot is planned on a day."""
        skipped = {(skip.day, skip.slot) for skip in self.skips}
        return (not slot.days or day in slot.days) and (day, slot.name) not in skipped
