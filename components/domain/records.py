"""The values that pass between Palate's functions. No behaviour beyond what is derived from the fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LIKED, NEUTRAL, DISLIKED = 1, 0, -1


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
class Opinion:
    """What one event says: a person's verdict on a dish at a moment.

    Attributes:
        verdict: LIKED (also a choice), NEUTRAL or DISLIKED.
        rating: The stated rating on the user's own scale; None for likes, dislikes and choices.
        menu_id: The menu a choice was made from; empty for stated opinions.
        source: Where the event came from; ratings of different sources are on different scales.
    """

    person_id: str
    dish_id: str
    at: datetime
    verdict: int
    rating: float | None = None
    menu_id: str = ""
    source: str = ""


@dataclass(frozen=True)
class Past:
    """One line of a person's history, as the model reads it.

    A verdict, and the rating where one was stated.
    """

    dish_id: str
    verdict: int
    rating: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A person, what they did strictly before, the dishes they could have, and the one they preferred.

    Attributes:
        key: Unique and stable: names this comparison in frozen files and in scores.
        history: Oldest first, at most `split.max_history` lines.
        dishes: Dish ids, in menu order; holds `chosen`.
        verdicts: Of each dish, for the pointwise objective alone, where a dish passed over counts as
            disliked.
    """

    key: str
    person_id: str
    at: datetime
    history: tuple[Past, ...]
    dishes: tuple[str, ...]
    chosen: str
    verdicts: tuple[int, ...] = ()

    @property
    def chosen_index(self) -> int:
        """Position of the preferred dish in `dishes`."""
        return self.dishes.index(self.chosen)


@dataclass(frozen=True)
class NightFacts:
    """What the checks need to know of the night and cannot read off the tables.

    Attributes:
        collected_at: The moment of the night that last changed the data, ISO 8601.
        previous_events: Events of the last accepted data before this; None on the first night.
        rows_seen: Rows that the night read, all tables together.
        rows_quarantined: Rows of these that broke the contract.
        data_md5: DVC's hash of data/events.
        quarantine_md5: DVC's hash of data/quarantine.
    """

    collected_at: str
    previous_events: int | None
    rows_seen: int
    rows_quarantined: int
    data_md5: str
    quarantine_md5: str


@dataclass(frozen=True)
class CheckResult:
    """One expectation and how it went. `first_rows` are the keys of the first rows that broke it."""

    table: str
    expectation: str
    column: str
    passed: bool
    unexpected: int
    first_rows: tuple[str, ...]
    detail: str


@dataclass(frozen=True)
class CheckReport:
    """All expectations of a night, by table."""

    results: tuple[CheckResult, ...]
    rows: dict[str, int]

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The expectations that were not met."""
        return tuple(result for result in self.results if not result.passed)
