"""Logs of opinions for tests, from lines as a person would write them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, opinion_log
from components.domain.records import DISLIKED, LIKED

SCALE = Scale(like_at=4, dislike_at=2, timezone="UTC")
_KINDS = {LIKED: "like", DISLIKED: "dislike"}


@dataclass(frozen=True)
class Line:
    """An event: a choice from a menu, a rating, an order, a like or a dislike."""

    person_id: str
    dish_id: str
    at: datetime
    verdict: int = LIKED
    rating: float | None = None
    menu_id: str = ""
    source: str = ""
    order: bool = False

    def row(self) -> dict[str, object]:
        """The row of the events table."""
        stated = "rating" if self.rating is not None else _KINDS[self.verdict]
        kind = "choice" if self.menu_id else "order" if self.order else stated
        return {
            "person_id": self.person_id,
            "dish_id": self.dish_id,
            "kind": kind,
            "value": self.rating,
            "menu_id": self.menu_id,
            "occurred_at": self.at,
            "source": self.source,
        }


def log_of(lines: Sequence[Line], menus: Mapping[str, Sequence[str]]) -> OpinionLog:
    """The log of these events, with every dish that they or the menus name."""
    dishes = {line.dish_id for line in lines} | {dish for menu in menus.values() for dish in menu}
    return opinion_log(EventColumns.of([line.row() for line in lines]), dishes, menus, SCALE)
