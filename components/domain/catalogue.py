"""What a service knows beyond a request: the dishes, and the people with their histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.domain.diet import DishFacts
from components.domain.diet.nutrition import Nutrition
from components.domain.exposures import PICKS, SERVICE, Feedback
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish, Past

# Stands for the people of a table whose last one was erased, as for rows that name nobody.
NAMELESS: Mapping[str, Any] = {"person_id": "", "diet": "", "allergies": (), "avoids": ()}


@dataclass(frozen=True)
class Listed:
    """A dish of the catalogue.

    Attributes:
        dish: As the model reads it.
        allergens: As the kitchen declares them; None where it declares nothing.
        popularity: The share of `preferences.popularity`.
        is_offered: False for a hidden dish, and for one whose id another dish has now; histories name it.
        nutrition: What a serving holds, as far as anything tells.
        opinions: Number of opinions of it, which decides between dishes that are as popular.
        letters: See `DishFacts`.
    """

    dish: Dish
    allergens: tuple[str, ...] | None
    popularity: float
    is_offered: bool = True
    nutrition: Nutrition = field(default_factory=Nutrition)
    opinions: int = 0
    letters: str = ""

    @property
    def facts(self) -> DishFacts:
        """What the diet reads of it."""
        dish = self.dish
        texts = dish.name, dish.description, dish.tags, dish.ingredients
        return DishFacts(dish.dish_id, *texts, self.allergens, self.letters)


@dataclass(frozen=True)
class Person:
    """A person as the service knows them.

    Attributes:
        diet: As they wrote it, like the next two.
        allergies: What they must not eat.
        avoids: What they will not eat.
        history: What they thought of dishes, oldest first.
        is_listed: False where there is a table of people and they are not in it, so that nobody can tell what
            they may eat.
        has_row: Whether the table of people has a row of theirs, also one without any allergy.
        eaten: By dish the moment of its last choice or order, UTC.
        published_at: When a night whose checks passed last brought this and the catalogue, UTC; None where a
            store of an earlier release does not tell.
    """

    diet: str = ""
    allergies: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    history: tuple[Past, ...] = ()
    is_listed: bool = True
    has_row: bool = False
    eaten: Mapping[str, datetime] = field(default_factory=dict)
    published_at: datetime | None = None

    @property
    def disliked(self) -> set[str]:
        """Dishes whose last opinion is a dislike."""
        last = {past.dish_id: past.verdict for past in self.history}
        return {dish for dish, verdict in last.items() if verdict == DISLIKED}


@dataclass(frozen=True)
class Thresholds:
    """From where a rating is a like, and down to where a dislike; see `collect` in params.yaml.

    Attributes:
        like_at: Of the ratings in histories.
        dislike_at: Of these, too.
        feedback_like_at: Of the ratings in feedback, where these have a scale of their own.
        feedback_dislike_at: Of these, too.
    """

    like_at: float
    dislike_at: float
    feedback_like_at: float | None = None
    feedback_dislike_at: float | None = None

    def verdict(self, rating: float) -> int:
        """LIKED, NEUTRAL or DISLIKED by a rating in feedback."""
        like_at, dislike_at = self._of_feedback()
        if rating >= like_at:
            return LIKED
        return DISLIKED if rating <= dislike_at else NEUTRAL

    def in_history(self, rating: float) -> float:
        """A rating in feedback on the scale of histories; likes and dislikes begin where theirs do."""
        like_at, dislike_at = self._of_feedback()
        factor = (self.like_at - self.dislike_at) / (like_at - dislike_at)
        return self.dislike_at + (rating - dislike_at) * factor

    def _of_feedback(self) -> tuple[float, float]:
        if self.feedback_like_at is None or self.feedback_dislike_at is None:
            return self.like_at, self.dislike_at
        return self.feedback_like_at, self.feedback_dislike_at


@dataclass(frozen=True)
class Line:
    """A line of a published history, with what decides whether later feedback replaces it.

    Attributes:
        past: As the model reads it.
        at: Moment of the opinion, UTC.
        source: Name of the source of its event.
        is_stated: True for a like, dislike or rating; False for a choice or an order, which stays.
    """

    past: Past
    at: datetime
    source: str
    is_stated: bool


def with_feedback(
    history: Iterable[Line], news: Iterable[Feedback], thresholds: Thresholds
) -> tuple[Past, ...]:
    """A history with what the person has said since it was published, as the next night will order it.

    What happened earlier stands earlier, even where it is known later: a device may have been offline.

    Args:
        history: As published.
        news: Feedback that the history lacks; `retract` of earlier days may come again.
        thresholds: What a rating means.
    """
    taken_back, lines = dict[str, datetime](), list(history)
    for feedback in news:
        if feedback.kind == "retract":
            until = taken_back.get(feedback.dish_id, feedback.occurred_at)
            taken_back[feedback.dish_id] = max(until, feedback.occurred_at)
        else:
            lines.append(_line_of(feedback, thresholds))
    stays = sorted((line for line in lines if not _is_taken_back(line, taken_back)), key=_order)
    last = {(line.source, line.past.dish_id): line for line in stays if line.is_stated}
    return tuple(
        line.past for line in stays if not line.is_stated or last[line.source, line.past.dish_id] is line
    )


def _line_of(feedback: Feedback, thresholds: Thresholds) -> Line:
    verdict, rating = DISLIKED if feedback.kind == "dislike" else LIKED, None
    if feedback.kind == "rating" and feedback.value is not None:
        verdict, rating = thresholds.verdict(feedback.value), thresholds.in_history(feedback.value)
    past = Past(feedback.dish_id, verdict, rating)
    return Line(past, feedback.occurred_at, SERVICE, feedback.kind not in PICKS)


def _is_taken_back(line: Line, taken_back: Mapping[str, datetime]) -> bool:
    dish = line.past.dish_id
    return line.is_stated and dish in taken_back and line.at <= taken_back[dish]


def _order(line: Line) -> tuple[datetime, str, str, int, float]:
    """As `opinions.opinion_log` orders a person's lines: at one moment the less favourable one comes last."""
    past = line.past
    return line.at, line.source, past.dish_id, -past.verdict, -(past.rating or 0.0)


def last_eaten(published: Mapping[str, datetime], news: Iterable[Feedback]) -> dict[str, datetime]:
    """By dish the moment of its last choice or order.

    Args:
        published: The same, as published.
        news: What the person has said since.
    """
    moments = dict(published)
    for feedback in news:
        if feedback.kind in PICKS:
            before = moments.get(feedback.dish_id, feedback.occurred_at)
            moments[feedback.dish_id] = max(before, feedback.occurred_at)
    return moments


def never_emptied(
    people: Sequence[dict[str, Any]], *, were_people: bool, some_forgotten: bool
) -> list[dict[str, Any]]:
    """People, with one who has no name where the last one was forgotten.

    Without it there would seem to be no table of people, and a stranger would be served without allergies.

    Args:
        people: Rows of tonight.
        were_people: Whether people were published before.
        some_forgotten: Whether anybody was forgotten.
    """
    return list(people) or [dict(NAMELESS)] * (were_people and some_forgotten)
