"""What the service showed to a person, and what the person said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from components.domain.records import Dish

SERVICE = "service"  # source of the events that feedback becomes, in the contract's column `source`
PICKS = ("choice", "order")  # kinds that nothing replaces or takes back


@dataclass(frozen=True)
class Shown:
    """One dish of an answer.

    Attributes:
        dish: As the caller or the catalogue described it.
        score: In logits; its popularity where nothing was known of the person.
        propensity: Probability with which this person is shown this order: the share of the version that
            answered, in a trial.
        allergens: As the kitchen declared them; None where it declared nothing.
    """

    dish: Dish
    score: float
    propensity: float
    allergens: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Exposure:
    """One answer, with its dishes in the order in which they were shown.

    Attributes:
        answer_id: Of the answer.
        person_id: Who was shown it.
        at: When, UTC.
        shown: Best first.
        filters: What the answer was narrowed by, as JSON: fields of the request, and the restrictions that
            applied.
        model_version: In the registry.
        data_version: DVC md5 of the events that it learnt from.
        ranked: Number of dishes that the model ranked, of which these are the best; 0 where nothing was known
            of the person and the popular ones were shown; None in answers from before 0.3.0.
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
        event_id: Names it; the same one twice is one.
        person_id: Who.
        dish_id: Of what.
        kind: As in the contract.
        value: Of a rating.
        answer_id: The answer that it is about; empty where it is about none.
        occurred_at: When, UTC.
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
        feedback: What was said; its `event_id` is the caller's.
        stored_id: Id of its event.
        answered_at: When its answer was given, UTC; None where no such answer is stored.
        digest: Of the dish as the answer showed it; None where it did not.
        name: The dish's name there.
        menu_size: Number of dishes of the answer that a choice is from; 0 for other kinds.
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
        dish_id: What it is about.
        position: Where the answer showed that dish, 1 for the best; None where it did not.
        kind: As in the contract.
        value: Of a rating.
        is_retracted: Whether the person took back since what they stated of the dish.
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
        answer_id: Of the answer.
        at: When it was given, with a zone.
        model_version: Version that gave it.
        reaction: What the feedback says; None where there is none.
        person_id: Whose answer it is.
    """

    answer_id: str
    at: datetime
    model_version: str
    reaction: Reaction | None = None
    person_id: str = field(default="", repr=False, compare=False)
