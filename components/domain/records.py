"""The values that pass between Palate's functions. No behaviour beyond what is derived from the fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

LIKED, NEUTRAL, DISLIKED = 1, 0, -1


def _has_offset(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"the time '{text}' has no offset from UTC")
    return text


Moment = Annotated[str, AfterValidator(_has_offset)]  # ISO 8601, with its offset; checked where it is read
MomentOrNone = Annotated[str, AfterValidator(lambda text: text and _has_offset(text))]  # the same, or empty


@dataclass(frozen=True)
class Dish:
    """One dish as the menu describes it."""

    dish_id: str
    name: str
    description: str = ""
    cuisine: str = ""
    tags: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """One line of a person's history, as the model reads it.

    Attributes:
        dish_id: The dish.
        verdict: LIKED (also a choice), NEUTRAL or DISLIKED.
        rating: The rating on the user's own scale; None where none was stated.
    """

    dish_id: str
    verdict: int
    rating: float | None = None


@dataclass(frozen=True)
class Question:
    """What is asked of a model: a person, their history, and the dishes that they could have.

    Attributes:
        person_id: The person.
        history: What is known of them, oldest first.
        dishes: Ids of the dishes on offer, each once, in menu order.
    """

    person_id: str
    history: tuple[Past, ...]
    dishes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison(Question):
    """A question with its answer: the dish that the person preferred to the others.

    Attributes:
        key: Unique and stable name.
        at: Moment of the answer; the history lies strictly before it.
        chosen: Id of the preferred dish, one of `dishes`.
        verdicts: For each dish LIKED, NEUTRAL or DISLIKED, for the pointwise objective alone, where an
            alternative counts as disliked; empty: the chosen dish is liked and the others are not.
    """

    key: str
    at: datetime
    chosen: str
    verdicts: tuple[int, ...] = ()


@dataclass(frozen=True)
class NightFacts:
    """What the checks need to know of the night and cannot read off the tables.

    Attributes:
        collected_at: The moment of the night that last changed the data, ISO 8601.
        previous_events: Events of the last accepted data before this; None on the first night. These and all
            that follow are without the service's feedback.
        rows_seen: Rows that the night read, all tables together.
        rows_quarantined: Rows of these that broke the contract.
        data_md5: DVC's hash of data/events.
        quarantine_md5: DVC's hash of data/quarantine.
        newest: Time of the newest event, ISO 8601; empty without events.
        previous_newest: The same of the last accepted data.
        like_share: Share of likes among likes, dislikes and ratings; None without any.
        previous_like_share: The same of the last accepted data.
        past_news: Number of new events of each earlier night, the first one left out.
        previous_feedback: Events from feedback in the last accepted data.
    """

    collected_at: Moment
    previous_events: int | None
    rows_seen: int
    rows_quarantined: int
    data_md5: str
    quarantine_md5: str
    newest: MomentOrNone = ""
    previous_newest: MomentOrNone = ""
    like_share: float | None = None
    previous_like_share: float | None = None
    past_news: tuple[int, ...] = ()
    previous_feedback: int | None = None


@dataclass(frozen=True)
class CheckResult:
    """One expectation and how it went.

    `first_rows` are the keys of the first rows that broke it; `severity` is `critical`, where a failure stops
    the night, `quarantine`, where it counts rows that were quarantined, or `warning`.
    """

    table: str
    expectation: str
    column: str
    passed: bool
    unexpected: int
    first_rows: tuple[str, ...]
    detail: str
    severity: str = "critical"


@dataclass(frozen=True)
class CheckReport:
    """All expectations of a night, by table."""

    results: tuple[CheckResult, ...]
    rows: dict[str, int]

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The expectations that were not met and stop the night."""
        return tuple(each for each in self.results if not each.passed and each.severity == "critical")

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The expectations that were not met, stop nothing and warn."""
        return tuple(each for each in self.results if not each.passed and each.severity == "warning")

    @property
    def passed(self) -> int:
        """Number of expectations that were met."""
        return sum(each.passed for each in self.results)
