"""What the service showed to a person, and what the person said of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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
    """

    dish: Dish
    score: float
    propensity: float


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
    """

    answer_id: str
    at: datetime
    model_version: str
    reaction: Reaction | None = None


def why_not_of(feedback: Feedback, exposure: Exposure | None) -> str:
    """Why feedback cannot be about an answer, as a sentence; empty where it can.

    Args:
        feedback: With an `answer_id`.
        exposure: The answer with that id; None where there is none.
    """
    if exposure is None:
        return f"answer_id '{feedback.answer_id}' names no stored answer: send it as it came, or none."
    if exposure.person_id != feedback.person_id:
        return f"answer_id '{feedback.answer_id}' was another person's: send the person it was for."
    if feedback.dish_id not in {shown.dish.dish_id for shown in exposure.shown}:
        return f"dish_id '{feedback.dish_id}' was not shown in that answer: send one that was."
    return ""


def id_of(content: tuple[str, ...]) -> str:
    """The id of feedback that came without one: the same content is the same feedback.

    Args:
        content: All that was sent, as texts.
    """
    return hashlib.sha256("\x1f".join(content).encode(errors="surrogatepass")).hexdigest()[:16]
