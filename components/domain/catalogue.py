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

# Stands for a table of people whose last person was erased, and for rows that name nobody.
NAMELESS: Mapping[str, Any] = {"person_id": "", "diet": "", "allergies": (), "avoids": ()}


@dataclass(frozen=True)
class Listed:
    """A dish of the catalogue.

    Attributes:
        dish: The dish as the model reads it.
        allergens: Allergens that the kitchen declares; None where it declares nothing.
        popularity: The share of `preferences.popularity`.
        is_offered: False for a hidden dish, and for a former dish whose id another dish has now. Histories
            may name either.
        nutrition: Nutrients of a serving, as far as they are known.
        opinions: Number of opinions on the dish, which decides between equally popular dishes.
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
        """The facts of the dish that the diet reads."""
        dish = self.dish
        texts = dish.name, dish.description, dish.tags, dish.ingredients
        return DishFacts(dish.dish_id, *texts, self.allergens, self.letters)


@dataclass(frozen=True)
class Person:
    """A person as the service knows them.

    Attributes:
        diet: Diet in the person's own words; the next two as well.
        allergies: What they must not eat.
        avoids: What they will not eat.
        history: Their opinions on dishes, oldest first.
        is_listed: False if there is a table of people without them, so that it is unknown what they may eat.
        has_row: Whether the table of people has a row for them, with or without allergies.
        eaten: Moment of the last choice or order of each dish, UTC, by dish.
        published_at: When a night with passed checks last published this person and the catalogue, UTC; None
            in a store of an earlier release, which did not record it.
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
        """Dishes on which the person's last opinion is a dislike."""
        last = {past.dish_id: past.verdict for past in self.history}
        return {dish for dish, verdict in last.items() if verdict == DISLIKED}


@dataclass(frozen=True)
class Thresholds:
    """Ratings from which an opinion is a like or a dislike; see `collect` in params.yaml.

    Attributes:
        like_at: Lowest rating in a history that is a like.
        dislike_at: Highest rating in a history that is a dislike.
        feedback_like_at: Lowest rating in feedback that is a like; None if feedback has the scale of
            histories.
        feedback_dislike_at: Highest rating in feedback that is a dislike; None as before.
    """

    like_at: float
    dislike_at: float
    feedback_like_at: float | None = None
    feedback_dislike_at: float | None = None

    def verdict(self, rating: float) -> int:
        """Judges a rating in feedback: LIKED, NEUTRAL or DISLIKED."""
        like_at, dislike_at = self._of_feedback()
        if rating >= like_at:
            return LIKED
        return DISLIKED if rating <= dislike_at else NEUTRAL

    def in_history(self, rating: float) -> float:
        """Rescales a rating in feedback, so that likes and dislikes begin where they do in histories."""
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
        past: The line as the model reads it.
        at: Moment of the opinion, UTC.
        source: Name of the source of the event behind the line.
        is_stated: True for a like, dislike or rating; False for a choice or an order, which stays.
    """

    past: Past
    at: datetime
    source: str
    is_stated: bool


def with_feedback(
    history: Iterable[Line], news: Iterable[Feedback], thresholds: Thresholds
) -> tuple[Past, ...]:
    """Adds feedback since its publication to a history, in the order in which the next night will put it.

    Lines are ordered by the moment of the opinion, not of its arrival: a device may have been offline.

    Args:
        news: Feedback that the history lacks; it may contain a `retract` of earlier days again.
        thresholds: Ratings from which feedback is a like or a dislike.
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
    """Sorts lines by moment, source and dish; the less favourable line comes last, as in `opinion_log`."""
    past = line.past
    return line.at, line.source, past.dish_id, -past.verdict, -(past.rating or 0.0)


def last_eaten(published: Mapping[str, datetime], news: Iterable[Feedback]) -> dict[str, datetime]:
    """Finds the moment of the last choice or order of each dish, by dish.

    Args:
        news: Feedback of the person since then.
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
    """Adds a nameless person to the table of people if its last person was forgotten.

    An empty table would look as if there were no table, and strangers would be served as if they had no
    allergies.

    Args:
        were_people: Whether people were published before.
        some_forgotten: Whether anybody was forgotten.
    """
    return list(people) or [dict(NAMELESS)] * (were_people and some_forgotten)
