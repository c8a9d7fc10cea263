"""A plan as iCalendar (RFC 5545): an event for each meal, in the local time of whoever imports it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from icalendar import Calendar, Event

from serving.schemas.plan import PlanRequest
from serving.schemas.plan_answer import MealAnswer, PlanAnswer, PlannedDish

MEDIA_TYPE = "text/calendar"


def is_wanted(headers: Mapping[str, str]) -> bool:
    """Tells whether a request's header `Accept` names iCalendar."""
    kinds = headers.get("accept", "").lower().split(",")
    return any(kind.partition(";")[0].strip() == MEDIA_TYPE for kind in kinds)


def calendar_of(request: PlanRequest, answer: PlanAnswer, now: datetime) -> bytes:
    """Writes a plan as a calendar.

    Args:
        request: What was asked.
        answer: The plan.
        now: When it was made, in UTC.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Palate//plan//EN")
    calendar.add("version", "2.0")
    times = {slot.name: slot.time for slot in request.slots}
    for meal in answer.meals:
        at = times[meal.slot]
        day = request.date_of(meal.day)
        event = Event()
        event.add("uid", f"{answer.people[0].answer_id}/{meal.day}/{meal.slot}")
        event.add("dtstamp", now)
        event.add("dtstart", datetime.combine(day, time.fromisoformat(at)) if at else day)
        event.add("summary", f"{meal.slot}: {', '.join(map(_dish, meal.dishes))}")
        event.add("description", _description(meal))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _dish(dish: PlannedDish) -> str:
    return dish.name if dish.portion == 1 else f"{dish.portion:g} x {dish.name}"


def _description(meal: MealAnswer) -> str:
    return "\n".join(f"{_dish(dish)}: {', '.join(dish.liking)}" for dish in meal.dishes)
