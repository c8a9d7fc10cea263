"""Records that pass between Palate's functions; their only behaviour is derived from their fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

LIKED, NEUTRAL, DISLIKED = 1, 0, -1
RULE = "rule"  # kind of a version that is no adapter; name of its folder, too


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
        dish_id: Id of the dish.
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
        person_id: Id of the person.
        history: Opinions of the person, oldest first.
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
    """

    key: str
    at: datetime
    chosen: str


@dataclass(frozen=True)
class NightFacts:
    """Facts about the night that the checks need and cannot read off the tables.

    Events from the service's feedback are left out everywhere, except in `previous_feedback`.

    Attributes:
        collected_at: Moment of the night that last changed the data, ISO 8601.
        previous_events: Number of events in the last accepted data before tonight; None on the first night.
        rows_seen: Number of rows that the night read, all tables together.
        rows_quarantined: Number of these rows that broke the contract.
        data_md5: DVC's hash of data/events.
        quarantine_md5: DVC's hash of data/quarantine.
        newest: Time of the newest event, ISO 8601; empty without events.
        previous_newest: Time of the newest event in the last accepted data.
        like_share: Share of likes among likes, dislikes and ratings; None without any.
        previous_like_share: Share of likes in the last accepted data.
        past_news: Number of new events of each earlier night, without the first night.
        previous_feedback: Number of events from feedback in the last accepted data.
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
    """One expectation, and whether it was met.

    `first_rows` are the keys of the first rows that broke the expectation. `severity` is `critical` if a
    failure stops the night, `quarantine` if the expectation counts quarantined rows, else `warning`.
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
        """The broken expectations that stop the night."""
        return tuple(each for each in self.results if not each.passed and each.severity == "critical")

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The broken expectations that are mere warnings."""
        return tuple(each for each in self.results if not each.passed and each.severity == "warning")

    @property
    def passed(self) -> int:
        """Number of expectations that were met."""
        return sum(each.passed for each in self.results)
