"""A household's week: what /plan is asked, as arrays over the catalogue, and wishes as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from components.domain.catalogue import Person
from components.domain.diet import Restrictions
from components.domain.plan import Conflict, Kept, Limit, Lock, Meal, Request
from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.records import Dish
from serving.catalogue import Listing
from serving.schemas.fields import LeftOutDish
from serving.schemas.plan import EaterBody, PlanRequest, SlotBody
from serving.search import Scored
from serving.variant import Variant
from serving.week_limits import limits_of

MAIN_SHARE = 0.2  # of the dishes; a tag that more of them have tells no likeness


def chance(lead: Floats) -> Floats:
    """Computes how often dishes with a lead in logits are preferred."""
    return np.asarray(1 / (1 + np.exp(-lead)))


@dataclass(frozen=True, eq=False)
class Eater:
    """A person of the household, with the dishes that they may have.

    Attributes:
        body: The person as the request describes them.
        variant: The version that answers them.
        person: The person as the store knows them.
        restrictions: All restrictions that apply.
        left_out: Dishes that they may not have, with reasons.
        scored: The other dishes, with scores.
        past: Dishes of a history that came with the request, by id.
    """

    body: EaterBody
    variant: Variant
    person: Person
    restrictions: Restrictions
    left_out: list[LeftOutDish]
    scored: Scored
    past: Mapping[str, Dish]

    def liking(self) -> Floats:
        """Computes the chance that the person prefers each scored dish to the median dish, (D,)."""
        return chance(self.scored.scores - self.scored.median)


def week_of(request: PlanRequest, eaters: Sequence[Eater], catalogue: Listing) -> Request:
    """Puts a request into arrays.

    Args:
        request: What is asked.
        eaters: The people in the order of the request.
        catalogue: The catalogue.

    Raises:
        InvalidArgument: A dish of the request is not in the catalogue.
    """
    meals = tuple(_meals(request, catalogue))
    liking, permitted = np.zeros((2, len(eaters), len(catalogue.dishes)))
    for eater, likes, may in zip(eaters, liking, permitted, strict=True):
        likes[eater.scored.positions] = eater.liking()
        may[eater.scored.positions] = 1
    return Request(
        days=request.days,
        meals=meals,
        liking=liking,
        permitted=permitted > 0,
        limits=tuple(limits_of(request, meals, catalogue)),
        main_tags=_main_tags(request, catalogue, permitted.max(axis=0) > 0),
        days_ago=np.array([_days_ago(eater.person, catalogue) for eater in eaters]),
        repeat_after_days=request.repeat_after_days,
        least_first=request.satisfy == "least_first",
    )


def _meals(request: PlanRequest, catalogue: Listing) -> Iterator[Meal]:
    """Yields the meals, day by day, in the order of the slots."""
    names = [person.person_id for person in request.people]
    pools = {slot.name: _pool(slot, catalogue) for slot in request.slots}
    for day in range(1, request.days + 1):
        for slot in (slot for slot in request.slots if request.is_planned(slot, day)):
            locked, excluded = (
                catalogue.positions_of(
                    [each.dish_id for each in placed if (each.day, each.slot) == (day, slot.name)]
                )
                for placed in (request.locks, request.exclusions)
            )
            eaters = sorted({names.index(name) for name in slot.people or names})
            yield Meal(
                name=slot.name,
                day=day - 1,
                eaters=tuple(eaters),
                pool=np.setdiff1d(_served(pools[slot.name], slot, request.date_of(day), catalogue), excluded),
                dishes=slot.count,
                is_shared=not slot.one_each,
                portions=tuple(sorted({float(portion) for portion in slot.portions})),
                locked=tuple(dict.fromkeys(locked.tolist())),
                kept=tuple(
                    Kept(dish, tuple(names.index(name) for name in each.people or names), each.portion)
                    for each in request.kept
                    if (each.day, each.slot) == (day, slot.name)
                    for dish in catalogue.positions_of([each.dish_id]).tolist()
                    if dish not in excluded
                ),
            )


def _pool(slot: SlotBody, catalogue: Listing) -> Ints:
    listed = catalogue.positions_of(slot.dishes) if slot.dishes else np.flatnonzero(catalogue.is_offered)
    return catalogue.with_tags(np.unique(listed), slot.tags)


def _served(pool: Ints, slot: SlotBody, day: date, catalogue: Listing) -> Ints:
    """Keeps of a slot's dishes those that are served on a day, where it wants menus."""
    return np.intersect1d(pool, catalogue.menus.get(day, [])).astype(np.int64) if slot.on_menu else pool


def _main_tags(request: PlanRequest, catalogue: Listing, is_permitted: Bools) -> Bools:
    """Finds the tags that make dishes alike: not those of a slot, nor those that many dishes have, (C, T)."""
    of_slots = {tag.casefold() for slot in request.slots for tag in slot.tags}
    tags = [{tag.casefold() for tag in listed.dish.tags} - of_slots for listed in catalogue.dishes]
    names = sorted(set().union(*tags))
    place = {name: index for index, name in enumerate(names)}
    has = np.zeros((len(tags), len(names)), bool)
    for dish, own in enumerate(tags):
        has[dish, [place[name] for name in own]] = True
    share = has[is_permitted].sum(axis=0) / max(1, is_permitted.sum())
    return np.asarray(has[:, (share > 0) & (share <= MAIN_SHARE)])


def _days_ago(person: Person, catalogue: Listing) -> Floats:
    """Counts the days from the last time that a person ate each dish to today, (C,); infinite for never."""
    days, now = np.full(len(catalogue.dishes), np.inf), datetime.now(UTC)
    for dish, at in person.eaten.items():
        if dish in catalogue.position:
            days[catalogue.position[dish]] = max(0, (now - at).days)
    return days


def sentences_of(
    conflict: Conflict, request: PlanRequest, week: Request, eaters: Sequence[Eater], catalogue: Listing
) -> list[str]:
    """Writes the wishes that contradict each other, or the meals that have too few dishes."""
    short = [_shortage(week.meals[meal], request, catalogue) for meal in conflict.short_meals]
    return short + [_sentence(wish, None, week, eaters, catalogue) for wish in conflict.wishes]


def _shortage(meal: Meal, request: PlanRequest, catalogue: Listing) -> str:
    day = request.date_of(meal.day + 1)
    if any(slot.on_menu for slot in request.slots if slot.name == meal.name) and day not in catalogue.menus:
        return f"{_place(meal)} has no menu: none is known of {day}"
    return f"{_place(meal)} needs more dishes than may be offered of the {len(meal.pool)} in its pool"


def change_of(conflict: Conflict, week: Request, eaters: Sequence[Eater], catalogue: Listing) -> str | None:
    """Writes the least change that helps."""
    if conflict.change is None:
        return None
    if conflict.amount is None:
        return f"without this there is a plan: {_sentence(conflict.change, None, week, eaters, catalogue)}"
    wish = _sentence(conflict.change, conflict.amount, week, eaters, catalogue)
    return f"with this there is a plan: {wish}"


def _sentence(
    wish: Limit | Lock, amount: float | None, week: Request, eaters: Sequence[Eater], catalogue: Listing
) -> str:
    if isinstance(wish, Lock):
        dish = catalogue.dishes[wish.dish].dish.dish_id
        return f"{_place(week.meals[wish.meal])} has the dish {dish!r}"
    person, bound = eaters[wish.eater].body.person_id, "at least" if wish.is_least else "at most"
    amount = wish.amount if amount is None else amount
    place = f"at each {week.meals[wish.meals[0]].name!r}" if wish.meals else ""
    per = place or ("a day" if wish.is_daily else "in all")
    return f"{wish.name!r} for {person!r} is {bound} {amount:.6g} {per}"


def _place(meal: Meal) -> str:
    return f"{meal.name!r} of day {meal.day + 1}"


def counted(left_out: Sequence[LeftOutDish]) -> dict[str, int]:
    """Counts the dishes that were left out by reason, without the words of the dish, most first."""
    reasons = [{reason.partition(":")[0] for reason in dish.reasons} for dish in left_out]
    counts = {reason: sum(reason in each for each in reasons) for reason in set().union(*reasons)}
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
