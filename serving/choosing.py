"""What of the catalogue a person may have now, before a model ranks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from components.domain.catalogue import Person
from components.domain.diet import Restrictions
from components.domain.preferences.arrays import Ints
from serving import nutrition, restricting, unwanted
from serving.listing import Listing
from serving.permissions import Permissions
from serving.recommend_schema import RecommendRequest
from serving.recommending import Published
from serving.schema import LeftOutDish


@dataclass(frozen=True)
class Choice:
    """What may be ranked for a person.

    Attributes:
        person: As the service knows them.
        catalogue: All dishes.
        restrictions: What the person may not or will not eat.
        at: Positions of what may be offered, the most popular first.
        left_out: The other dishes that were asked about, with reasons.
    """

    person: Person
    catalogue: Listing
    restrictions: Restrictions
    at: Ints
    left_out: list[LeftOutDish]


def choose(
    request: RecommendRequest, published: Published, permissions: Permissions, rest_days: int
) -> Choice:
    """Reads the store and leaves out what must not or should not be offered; for a thread of its own.

    Args:
        request: Of whom, and within which bounds.
        published: The catalogue and the people.
        permissions: Which dishes restrictions leave.
        rest_days: Days for which an eaten dish rests.
    """
    person, catalogue = published.of(request.person_id)
    restrictions = restricting.restrictions_of(request, person)
    may_eat, forbidden = permissions.split(catalogue.on_offer(request), catalogue, restrictions)
    within, beyond = nutrition.split(request, catalogue, may_eat)
    at, not_now = unwanted.split(person, catalogue, within, rest_days, datetime.now(UTC))
    return Choice(person, catalogue, restrictions, at, [*forbidden, *beyond, *not_now])
