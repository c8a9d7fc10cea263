"""What a person may not eat is left out before anything is scored, and looked for again in the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bentoml.exceptions import InvalidArgument, ServiceUnavailable

from components.domain.diet import (
    LeftOut,
    Restrictions,
    UnknownDiet,
    permitted,
    read_restrictions,
    violations,
)
from serving.schema import DishBody, RankRequest

logger = logging.getLogger("palate")

MAX_CHARACTERS = (
    60_000  # of all dishes, where somebody has restrictions: words that nobody knows take longest
)


def restrictions_of(request: RankRequest) -> Restrictions:
    """What the request says that the person may not or will not eat.

    Raises:
        InvalidArgument: There is no rule for the diet.
    """
    try:
        return read_restrictions(request.diet, request.allergies, request.avoids)
    except UnknownDiet as error:
        raise InvalidArgument(str(error)) from error


def split(
    dishes: Sequence[DishBody], restrictions: Restrictions
) -> tuple[list[DishBody], tuple[LeftOut, ...]]:
    """The dishes that may be offered, and the others with reasons.

    Raises:
        InvalidArgument: The dishes' texts are longer than can be looked through in time.
    """
    if restrictions == Restrictions():
        return list(dishes), ()
    length = sum(len(text) for dish in dishes for text in _texts(dish))
    if length > MAX_CHARACTERS:
        raise InvalidArgument(
            f"the dishes have {length:,} characters together: with a diet, allergies or avoids send at most "
            f"{MAX_CHARACTERS:,}."
        )
    offered, left_out = permitted([dish.facts for dish in dishes], restrictions)
    ids = {dish.dish_id for dish in offered}
    return [dish for dish in dishes if dish.dish_id in ids], left_out


def check(offered: Sequence[DishBody], restrictions: Restrictions) -> None:
    """Looks at an answer's dishes again, by other code than `split`.

    Raises:
        ServiceUnavailable: One of them must not be offered, so none is.
    """
    if restrictions == Restrictions():
        return
    broken = violations([dish.facts for dish in offered], restrictions)
    if broken:
        logger.error("the two checks of a diet disagree, so nothing is offered: %s", broken[0].sentence)
        raise ServiceUnavailable("The two checks of the diet disagree, so nothing is offered.")


def _texts(dish: DishBody) -> tuple[str, ...]:
    many = (*dish.tags, *dish.ingredients, *(dish.allergens or ()))
    return (dish.name, dish.description, *many)
