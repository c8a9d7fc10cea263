"""What a person may not eat: read from request and store, kept out of offers, and shown in each answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from bentoml.exceptions import InvalidArgument

from components.domain.catalogue import Person
from components.domain.diet import (
    Basis,
    DishFacts,
    Restrictions,
    UnknownDiet,
    basis_of,
    notes,
    permitted,
    read_restrictions,
)
from serving.refusals import Unavailable
from serving.schemas.fields import LeftOutDish, PersonBody
from serving.schemas.rank import RankRequest

logger = logging.getLogger("palate")

# Characters of all dishes where there are restrictions: each unknown word takes milliseconds to read.
MAX_CHARACTERS = 60_000
NOBODY = Person()
Asks = RankRequest | PersonBody  # for a person


def restrictions_of(request: Asks, person: Person = NOBODY) -> Restrictions:
    """Combines the stored restrictions of a person with those of the request.

    Args:
        request: Its restrictions are added; it cannot take stored ones back.

    Raises:
        InvalidArgument: A diet is unknown; or the person is, and the request does not say their allergies.
        Unavailable: The stored diet is unknown.
    """
    if not person.is_listed and request.allergies is None:
        raise InvalidArgument(
            f"person_id {request.person_id!r} is not in the table of people, so nobody can tell what they "
            "may eat: send allergies, an empty list where there are none."
        )
    try:
        more = read_restrictions(request.diet, request.allergies or (), request.avoids)
    except UnknownDiet as error:
        raise InvalidArgument(str(error)) from error
    try:
        stored = read_restrictions(person.diet, person.allergies, person.avoids)
    except UnknownDiet as error:
        raise Unavailable(f"The diet of {request.person_id!r} cannot be read: {error}") from error
    return Restrictions(
        tuple(sorted({*stored.diets, *more.diets})),
        tuple(sorted({*stored.allergies, *more.allergies})),
        tuple(dict.fromkeys((*stored.avoids, *more.avoids))),
    )


def filters_of(request: Asks, restrictions: Restrictions) -> str:
    """Writes as JSON what narrowed an answer: the request's own fields, and all restrictions that applied.

    Args:
        request: The request. Its history is left out, and so is its menu, whose dishes the answer has.
        restrictions: All restrictions that applied, the stored ones included.
    """
    without = {"person_id", "history", "keep", "model_version"} | (
        {"dishes"} if isinstance(request, RankRequest) else set()
    )
    others = [avoided.text for avoided in restrictions.avoids if avoided.is_allergy]
    applied = {
        "diet": ";".join(restrictions.diets),
        "allergies": [*restrictions.allergies, *others],
        "avoids": [avoided.text for avoided in restrictions.avoids if not avoided.is_allergy],
    }
    return json.dumps({**request.model_dump(exclude=without), "applied": applied})


def check_length(dishes: Sequence[DishFacts], restrictions: Restrictions) -> None:
    """Checks that the texts of a caller's dishes are short enough, if there are restrictions.

    Raises:
        InvalidArgument: The texts are too long to be read in time.
    """
    length = sum(len(text) for dish in dishes for text in _texts(dish))
    if restrictions != Restrictions() and length > MAX_CHARACTERS:
        raise InvalidArgument(
            f"the dishes have {length:,} characters together: with a diet, allergies or avoids send at most "
            f"{MAX_CHARACTERS:,}."
        )


def read_through(
    dishes: Sequence[DishFacts], restrictions: Restrictions
) -> tuple[set[str], list[LeftOutDish]]:
    """Divides dishes by restrictions: ids of the permitted ones, and the others with reasons."""
    offered, left_out = permitted(dishes, restrictions)
    bodies = [
        LeftOutDish(dish_id=dish.dish_id, reasons=[reason.sentence for reason in dish.reasons])
        for dish in left_out
    ]
    return {dish.dish_id for dish in offered}, bodies


def bases_of(offered: Sequence[DishFacts], restrictions: Restrictions) -> list[list[Basis]]:
    """Finds for each dish of an answer what shows that the person may eat it.

    Raises:
        Unavailable: A dish must not be offered, so the whole answer is refused.
    """
    _, left_out = permitted(offered, restrictions)
    if left_out:
        logger.error("an answer held a dish that must not be offered: %s", left_out[0].sentence)
        raise Unavailable("The answer held a dish that must not be offered, so nothing is.")
    return [list(basis_of(dish, restrictions)) for dish in offered]


def notes_of(request: Asks, person: Person, restrictions: Restrictions) -> list[str]:
    """Says what reading words cannot cover for this person."""
    written = (request.diet, person.diet, *(request.allergies or ()), *person.allergies)
    return list(notes(restrictions, written))


def _texts(dish: DishFacts) -> tuple[str, ...]:
    return (dish.name, dish.description, *dish.tags, *dish.ingredients, *(dish.allergens or ()))
