"""What a household's week is held to: bounds of nutrients and costs, and rules by tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from components.domain.diet.nutrition import REFERENCE_LEAST, REFERENCE_MOST
from components.domain.plan import Limit, Meal
from components.domain.preferences.arrays import Floats
from serving.catalogue import Listing
from serving.schemas.plan import EaterBody, PlanRequest, RuleBody

MINUTES = "minutes"


def grows_by_portion(quantity: str) -> bool:
    """Tells whether half a portion has half of a quantity; it takes as many minutes as a whole one."""
    return quantity != MINUTES


def limits_of(request: PlanRequest, meals: Sequence[Meal], catalogue: Listing) -> Iterator[Limit]:
    """Yields each person's bounds, then those of meals, then the rules, which hold for each person."""
    for eater, body in enumerate(request.people):
        most, least = daily_bounds(body)
        for bounds, is_least, is_daily in (
            (most, False, True),
            (least, True, True),
            (body.at_most_in_all, False, False),
            (body.at_least_in_all, True, False),
        ):
            for name, amount in bounds.items():
                values = amounts_of(catalogue, name, "low" if is_least else "high")
                yield Limit(name, eater, values, amount, is_least, is_daily, grows_by_portion(name))
    for slot in request.slots:
        own = [index for index, meal in enumerate(meals) if meal.name == slot.name]
        if slot.minutes is not None and own:
            values, eaters = amounts_of(catalogue, MINUTES, "high"), meals[own[0]].eaters
            for eater in eaters if slot.one_each else eaters[:1]:
                yield Limit(
                    MINUTES, eater, values, slot.minutes, is_least=False, by_portion=False, meals=tuple(own)
                )
    for rule in request.rules:
        has = _has_tag(rule, catalogue)
        for eater in range(len(request.people)):
            for count, is_least in ((rule.at_least, True), (rule.at_most, False)):
                if count is not None:
                    yield Limit(rule.tag, eater, has, count, is_least, rule.a_day, by_portion=False)


def daily_bounds(body: EaterBody) -> tuple[dict[str, float], dict[str, float]]:
    """Adds the reference intakes, where asked, of all nutrients that a person does not bound: most, least."""
    if body.bounds is None:
        return body.at_most, body.at_least
    own = body.at_most.keys() | body.at_least.keys()
    most, least = (
        {name: amount for name, amount in reference.items() if name not in own}
        for reference in (REFERENCE_MOST, REFERENCE_LEAST)
    )
    return most | body.at_most, least | body.at_least


def amounts_of(catalogue: Listing, quantity: str, end: str) -> Floats:
    """Reads one end of a quantity's interval in a serving of each dish, (C,); NaN where it is unknown."""
    amounts = [listed.nutrition.amounts.get(quantity) for listed in catalogue.dishes]
    is_known = [amount is not None and amount.per == "serving" for amount in amounts]
    return np.array(
        [getattr(amount, end) if known else np.nan for amount, known in zip(amounts, is_known, strict=True)],
        float,
    )


def _has_tag(rule: RuleBody, catalogue: Listing) -> Floats:
    has = np.zeros(len(catalogue.dishes))
    has[catalogue.with_tags(np.arange(len(has)), [rule.tag])] = 1
    return has
