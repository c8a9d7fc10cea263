"""Records of what the service showed to a person, and of what the person said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from components.domain.records import Dish

SERVICE = "service"  # source of the events that feedback becomes, in the contract's column `source`
PICKS = ("choice", "order")  # kinds that nothing replaces or takes back
PLAN = "plan-"  # begins the last part of an answer's id if it is a plan, whose dishes are not alternatives


@dataclass(frozen=True)
class Shown:
    """One dish of an answer.

    Attributes:
        dish: The dish as the caller or the catalogue described it.
        score: Score in logits; the dish's popularity where nothing was known of the person.
        propensity: Probability that this person is shown this order; in a trial, the share of the version
            that answered.
        allergens: Allergens that the kitchen declared; None where it declared nothing.
    """

    dish: Dish
    score: float
    propensity: float
    allergens: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Exposure:
    """One answer, with its dishes in the order in which they were shown.

    Attributes:
        answer_id: Id of the answer.
        person_id: Id of the person who was shown it.
        at: Moment of the answer, UTC.
        shown: The dishes, best first.
        filters: Filters of the answer, as JSON: fields of the request, and the restrictions that applied.
        model_version: Version number of the model in the registry.
        data_version: DVC md5 of the events that the version learnt from.
        ranked: Number of dishes that the model ranked to find the shown ones. It is 0 where nothing was known
            of the person and popular dishes were shown; None in answers from before 0.3.0.
    """

    answer_id: str
    person_id: str
    at: datetime
    shown: tuple[Shown, ...]
    filters: str
    model_version: str
    data_version: str
    ranked: int | None = None


@dataclass(frozen=True)
class Feedback:
    """One thing that a person said or did, in the words of the contract's events.

    Attributes:
        event_id: Id of the feedback; feedback that comes twice with one id counts once.
        person_id: Id of the person.
        dish_id: Id of the dish.
        kind: Kind, as in the contract.
        value: Value of a rating; else None.
        answer_id: Id of the answer that the feedback is about; empty without one.
        occurred_at: Moment at which the person said or did it, UTC.
    """

    event_id: str
    person_id: str
    dish_id: str
    kind: str
    value: float | None
    answer_id: str
    occurred_at: datetime


@dataclass(frozen=True)
class StoredFeedback:
    """Feedback as a night reads it.

    Attributes:
        feedback: The feedback; its `event_id` is the caller's.
        stored_id: Id of the event that the feedback becomes.
        answered_at: When its answer was given, UTC; None if that answer is not stored.
        digest: Digest of the dish as the answer showed it; None if the answer did not show it.
        name: Name of the dish in the answer.
        menu_size: Number of dishes in the answer that a choice was made from; 0 for other kinds.
    """

    feedback: Feedback
    stored_id: str
    answered_at: datetime | None
    digest: str | None
    name: str | None
    menu_size: int


@dataclass(frozen=True)
class Reaction:
    """One feedback that names an answer.

    Attributes:
        dish_id: Id of the dish that the feedback is about.
        position: Position of that dish in the answer, 1 for the best; None if the answer did not show it.
        kind: Kind, as in the contract.
        value: Value of a rating; else None.
        is_retracted: Whether the person has since retracted what they stated about the dish.
    """

    dish_id: str
    position: int | None
    kind: str
    value: float | None
    is_retracted: bool


@dataclass(frozen=True)
class Answered:
    """An answer, once for each of its reactions.

    Attributes:
        answer_id: Id of the answer.
        at: Moment of the answer, with a time zone.
        model_version: Version that gave the answer.
        reaction: The reaction; None for an answer without feedback.
        person_id: Id of the person who got the answer.
    """

    answer_id: str
    at: datetime
    model_version: str
    reaction: Reaction | None = None
    person_id: str = field(default="", repr=False, compare=False)
