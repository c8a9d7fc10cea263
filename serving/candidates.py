"""Candidates: the dishes that a person may be offered, chosen before any model ranks them, and why no others.

Both choices read the store and may read many words, so they run in threads of their own.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np
from bentoml.exceptions import InvalidArgument

from components.domain.catalogue import Listed, Person
from components.domain.diet import Restrictions
from components.domain.diet.nutrition import outside
from components.domain.errors import PalateError
from components.domain.preferences.arrays import Ints
from components.domain.preferences.contract import as_id
from serving import store
from serving.catalogue import Listing, Published
from serving.permissions import MOST_LEFT_OUT, Permissions
from serving.refusals import Unavailable, check_rating
from serving.restrictions import check_length, read_through, restrictions_of
from serving.schemas.fields import LeftOutDish, PastBody, PersonBody
from serving.schemas.rank import RankRequest
from serving.schemas.recommend import RecommendRequest

logger = logging.getLogger("palate")
NOT_LOOKED_UP = (
    "The service's store does not answer, so nobody can tell what the person may not eat: send it again, or "
    "send all of it with use_stored_restrictions false."
)
_DISLIKE = "the person's last opinion of it is a dislike"
Offered = TypeVar("Offered")


@dataclass(frozen=True)
class Candidates(Generic[Offered]):
    """The dishes that may be ranked for a person.

    Attributes:
        person: The person as the store knows them.
        restrictions: Restrictions of the person, both stored and requested.
        offered: The dishes of a menu in its order, or positions in the catalogue, the most popular first.
        left_out: Requested dishes that may not be offered, with reasons.
    """

    person: Person
    restrictions: Restrictions
    offered: Offered
    left_out: list[LeftOutDish]


def of_menu(request: RankRequest, facts: Mapping[str, Any]) -> Candidates[list[Listed]]:
    """Chooses the dishes of a request's menu that the person may eat.

    Raises:
        Gone: The person was erased.
        InvalidArgument: The request is too large, or its restrictions cannot be read.
        Unavailable: The store does not answer, so it is unknown what is safe.
    """
    store.refuse_erased(request.person_id)
    _check_sizes(request, facts)
    _check_ratings(request.history, facts)
    _check_named(request.history, ())
    person = _stored(request)
    restrictions = restrictions_of(request, person)
    letters = facts["serve"].get("allergen_letters", "")  # releases before 0.3.0 have no scheme
    menu = [dish.listed(letters) for dish in request.dishes]
    read = [listed.facts for listed in menu]
    check_length(read, restrictions)
    may_eat, left_out = read_through(read, restrictions)
    offered = [listed for listed in menu if listed.dish.dish_id in may_eat]
    return Candidates(person, restrictions, offered, left_out)


def of_catalogue(
    request: RecommendRequest, published: Published, permissions: Permissions, facts: Mapping[str, Any]
) -> tuple[Candidates[Ints], Listing]:
    """Chooses the dishes of the catalogue that the person may have now; also returns the catalogue.

    Raises:
        Gone: The person was erased.
        InvalidArgument: A dish of the request is not in the catalogue, or a restriction cannot be read.
        Unavailable: The store does not answer, so it is unknown what is safe.
    """
    store.refuse_erased(request.person_id)
    _check_ratings(request.history or (), facts)
    person, catalogue = published.of(request.person_id)
    _check_named(request.history or (), catalogue.position)
    restrictions = restrictions_of(request, person)
    may_eat, forbidden = permissions.split(catalogue.on_offer(request), catalogue, restrictions)
    within, beyond = _within_bounds(request, catalogue, may_eat)
    wanted, unwanted = wanted_now(person, catalogue, within, facts["serve"]["rest_days"], datetime.now(UTC))
    return Candidates(person, restrictions, wanted, [*forbidden, *beyond, *unwanted]), catalogue


def of_eater(
    eater: PersonBody, published: Published, permissions: Permissions, facts: Mapping[str, Any]
) -> tuple[Candidates[Ints], Listing]:
    """Chooses the dishes of the catalogue that a person may eat and does not dislike.

    Returns and raises as `of_catalogue` does. What the person ate lately stays: a plan weighs it.
    """
    store.refuse_erased(eater.person_id)
    _check_ratings(eater.history or (), facts)
    person, catalogue = published.of(eater.person_id)
    _check_named(eater.history or (), catalogue.position)
    restrictions = restrictions_of(eater, person)
    on_offer = np.flatnonzero(catalogue.is_offered)
    may_eat, forbidden = permissions.split(on_offer, catalogue, restrictions)
    wanted, unwanted = wanted_now(person, catalogue, may_eat, 0, datetime.now(UTC))
    return Candidates(person, restrictions, wanted, [*forbidden, *unwanted]), catalogue


def _check_sizes(request: RankRequest, facts: Mapping[str, Any]) -> None:
    """Checks that there are not too many dishes, and that each is offered once."""
    for field, entries in (("dishes", request.dishes), ("history", request.history)):
        limit = facts["serve"][f"max_{field}"]
        if len(entries) > limit:
            raise InvalidArgument(f"{field} has {len(entries)} entries: send at most {limit}.")
    counts = Counter(as_id(dish.dish_id) for dish in request.dishes)
    duplicates = sorted(dish_id for dish_id, count in counts.items() if count > 1)
    if duplicates:
        raise InvalidArgument(f"dish_id {duplicates[0]!r} is offered twice: send each dish once.")


def _check_ratings(history: Iterable[PastBody], facts: Mapping[str, Any]) -> None:
    """Checks that the ratings of a request's history lie on the scale that the version learnt from.

    A night would quarantine others; until then they would count in every answer.
    """
    for line, past in enumerate(history):
        check_rating(f"history.{line}.rating", past.rating, facts.get("value_range"))


def _check_named(history: Iterable[PastBody], known: Collection[str]) -> None:
    """Checks that each dish of a request's history has a name, or is one of the known ids."""
    for line, past in enumerate(history):
        if not past.dish.name and as_id(past.dish.dish_id) not in known:
            raise InvalidArgument(
                f"history.{line}.dish: dish_id {past.dish.dish_id!r} has no name, and the catalogue lacks "
                "it: send its name."
            )


def _stored(request: RankRequest) -> Person:
    """Looks up the stored restrictions of a person, unless the request asks not to."""
    if not (request.use_stored_restrictions and store.url()):
        return Person()
    try:
        person: Person = store.catalogue().restrictions(request.person_id)
    except PalateError as error:
        logger.error("nobody can tell what a person may not eat: %s", error)  # noqa: TRY400
        raise Unavailable(NOT_LOOKED_UP) from error
    return person


def _within_bounds(
    request: RecommendRequest, catalogue: Listing, positions: Ints
) -> tuple[Ints, list[LeftOutDish]]:
    """Divides dishes by bounds of nutrients: positions of the dishes within, and the first others."""
    if not request.at_most and not request.at_least:
        return positions, []
    dishes = [catalogue.dishes[index] for index in positions]
    reasons = [outside(listed.nutrition, request.at_most, request.at_least) for listed in dishes]
    left_out = [
        LeftOutDish(dish_id=listed.dish.dish_id, reasons=sentences)
        for listed, sentences in zip(dishes, reasons, strict=True)
        if sentences
    ]
    return positions[[not sentences for sentences in reasons]], left_out[:MOST_LEFT_OUT]


def wanted_now(
    person: Person, catalogue: Listing, positions: Ints, rest_days: int, now: datetime
) -> tuple[Ints, list[LeftOutDish]]:
    """Divides dishes by what the person wants now: positions of the offered ones, and others with reasons.

    A person does not want a dish that they dislike, or that they ate lately.

    Args:
        positions: Positions of the dishes that the person may eat.
        rest_days: Days of 24 hours for which a dish rests after it was chosen or ordered; 0 for none.
    """
    reasons = {dish: [_DISLIKE] for dish in person.disliked}
    since = now - timedelta(days=rest_days)
    for dish, eaten in person.eaten.items():
        if rest_days and eaten > since:
            sentence = f"chosen or ordered on {eaten:%Y-%m-%d}, within {rest_days} days"
            reasons.setdefault(dish, []).append(sentence)
    listed = {catalogue.dishes[index].dish.dish_id for index in positions} if reasons else set()
    left_out = [LeftOutDish(dish_id=dish, reasons=reasons[dish]) for dish in sorted(listed & reasons.keys())]
    return catalogue.without(positions, reasons), left_out
