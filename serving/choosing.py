"""Chooses the dishes of the catalogue that a person may have now, before a model ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from components.domain.catalogue import Person
from components.domain.diet import Restrictions
from components.domain.preferences.arrays import Ints
from serving import nutrition, restricting, unwanted
from serving.listing import Listing
from serving.permissions import Permissions
from serving.recommending import Published
from serving.schemas.fields import LeftOutDish
from serving.schemas.recommend import RecommendRequest


@dataclass(frozen=True)
class Choice:
    """The dishes that may be ranked for a person.

    Attributes:
        person: The person as the store knows them.
        catalogue: All dishes.
        restrictions: Restrictions of the person, both stored and requested.
        at: Positions of the dishes that may be offered, the most popular first.
        left_out: Requested dishes that may not be offered, with reasons.
    """

    person: Person
    catalogue: Listing
    restrictions: Restrictions
    at: Ints
    left_out: list[LeftOutDish]


def choose(
    request: RecommendRequest, published: Published, permissions: Permissions, rest_days: int
) -> Choice:
    """Reads the store and leaves out dishes that must not or should not be offered.

    This can take long, so it runs in a thread of its own.

    Args:
        request: Names the person and the bounds of the dishes.
        published: Reads the catalogue and the people.
        permissions: Decides which dishes the restrictions permit.
        rest_days: Days for which an eaten dish rests.
    """
    person, catalogue = published.of(request.person_id)
    restrictions = restricting.restrictions_of(request, person)
    may_eat, forbidden = permissions.split(catalogue.on_offer(request), catalogue, restrictions)
    within, beyond = nutrition.split(request, catalogue, may_eat)
    at, not_now = unwanted.split(person, catalogue, within, rest_days, datetime.now(UTC))
    return Choice(person, catalogue, restrictions, at, [*forbidden, *beyond, *not_now])
