"""Recommends dishes of the catalogue to a person of the store: what they may eat and would like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from components.domain.catalogue import Listed, Person
from components.domain.errors import PalateError
from components.domain.preferences.arrays import Ints
from components.domain.records import Dish, Past, Question
from serving import store
from serving.arm import Arm
from serving.limits import check_tokens, is_short
from serving.listing import Listing, listing_of
from serving.refusals import Unavailable
from serving.schemas.fields import VERDICTS
from serving.schemas.recommend import RecommendRequest

MOST_REASONS = 2  # past dishes named for a recommendation
LINES_LEFT_OUT = 20  # of a history, the latest, that are left out one by one


class Published:
    """The catalogue and the people as the last night published them."""

    def __init__(self, letters: str = "") -> None:
        self._version, self._listing, self._letters = "", listing_of(()), letters
        self._lock = threading.Lock()  # of several requests one reads what was published anew

    def of(self, person_id: str) -> tuple[Person, Listing]:
        """Looks up a person and the catalogue.

        A person whom nobody knows has no diet, no allergies and no history. The catalogue is the same object
        until another one is published.

        Raises:
            Unavailable: Nothing is published, or the store does not answer, so that nobody knows what
                the person may eat.
        """
        if not store.url():
            raise Unavailable(f"This service knows nobody: start it with {store.STORE}.")
        try:
            catalogue = store.catalogue(store.url())
            with self._lock:
                version = catalogue.version()
                if version != self._version:
                    dishes = (replace(listed, letters=self._letters) for listed in catalogue.dishes())
                    self._listing, self._version = listing_of(dishes), version
                listing = self._listing
            person = catalogue.person(person_id)
        except PalateError as error:
            raise Unavailable(str(error)) from error
        if not version:
            raise Unavailable("Nothing is published yet: run a night.")
        return person, listing


def questions_without(question: Question) -> list[Question]:
    """Leaves each of the latest lines of the history out in turn, and builds a question of each rest."""
    history = question.history
    first = max(0, len(history) - LINES_LEFT_OUT)
    return [
        Question(question.person_id, history[:line] + history[line + 1 :], question.dishes)
        for line in range(first, len(history))
    ]


def because(names: Sequence[str], score: float, without: Sequence[float]) -> list[str]:
    """Chooses the past dishes without which a dish's score falls most, and returns their names.

    Args:
        names: Names of the past dishes that were left out in turn.
        score: The dish's score with all of them.
        without: The dish's score without each of them.
    """
    falls = sorted(zip((score - other for other in without), names, strict=True), key=lambda pair: -pair[0])
    return list(dict.fromkeys(name for fall, name in falls if fall > 0))[:MOST_REASONS]


def how_sure(reliability: Sequence[tuple[float, float]], scores: Sequence[float]) -> list[float | None]:
    """Estimates for each dish how often such a lead over the next dish was right on held-out menus.

    The last dish has no next one and gets None.

    Args:
        reliability: Points of the curve from a stated probability to the share that was right. It may be
            empty, and is in releases from before 0.3.0.
        scores: Scores in logits, best first.
    """
    if not reliability or not scores:
        return [None for _ in scores]
    stated, right = zip(*reliability, strict=True)
    leads = np.asarray(scores[:-1]) - np.asarray(scores[1:])
    return [*np.interp(1 / (1 + np.exp(-leads)), stated, right).round(3).tolist(), None]


@dataclass(frozen=True)
class Ranked:
    """Dishes with their scores, best first.

    Attributes:
        dishes: The dishes with scores in logits, or with popularity where nothing is known of the person.
        because: For each of the best dishes, the names of the past dishes that speak for it.
        cold_start: Whether nothing is known of the person.
        considered: Number of dishes that were ranked; `dishes` holds the best of them.
        history: Number of past dishes that the model read.
        unknown: Number of ranked dishes whose text the version had not read when it was released.
    """

    dishes: list[tuple[Listed, float]]
    because: list[list[str]]
    cold_start: bool
    considered: int
    history: int = 0
    unknown: int = 0


async def rank(
    in_turn: Callable[..., Any],
    arm: Arm,
    request: RecommendRequest,
    person: Person,
    at: Ints,
    catalogue: Listing,
) -> Ranked:
    """Ranks the most popular chosen dishes for a person, with a model that reads each dish after the history.

    Args:
        in_turn: Runs model work in the model's thread.
        arm: The version that answers.
        request: The request; its history, where it has one, replaces the person's.
        person: The person as the store knows them.
        at: Positions of the dishes that may be offered, the most popular first.
        catalogue: All dishes, those of the history included.
    """
    chosen = [catalogue.dishes[index] for index in at[: arm.facts["serve"]["max_dishes"]]]
    history, past = history_of(request, person)
    of_history = (catalogue.position.get(line.dish_id) for line in history)
    dishes = {listed.dish.dish_id: listed.dish for listed in chosen}
    listed_past = (catalogue.dishes[index].dish for index in of_history if index is not None)
    dishes |= {dish.dish_id: dish for dish in listed_past}
    dishes |= past
    tokens = arm.tokens(dishes)
    history = tuple(
        line for line in history if line.dish_id in dishes and is_short(arm, tokens, line.dish_id)
    )
    history = history[-arm.facts["serve"]["max_history"] :]
    chosen = [listed for listed in chosen if is_short(arm, tokens, listed.dish.dish_id)]
    nothing: list[list[str]] = [[] for _ in chosen]
    if not history or not chosen:
        popular = [(listed, listed.popularity) for listed in chosen]
        return Ranked(popular, nothing, cold_start=not history, considered=len(chosen))
    question = Question(request.person_id, history, tuple(listed.dish.dish_id for listed in chosen))
    check_tokens(arm, question, tokens)
    scores = await in_turn(arm.scores, question, tokens)
    best = sorted(zip(chosen, scores, strict=True), key=lambda pair: -pair[1])
    return Ranked(best, nothing, cold_start=False, considered=len(chosen), history=len(history))


def history_of(request: RecommendRequest, person: Person) -> tuple[tuple[Past, ...], dict[str, Dish]]:
    """Takes the request's history where it has one, else the person's.

    It also returns the dishes that only the request has, by id.
    """
    if request.history is None:
        return person.history, {}
    past = [(line.dish.record("past/"), line) for line in request.history]
    history = tuple(Past(dish.dish_id, VERDICTS[line.verdict], line.rating) for dish, line in past)
    return history, {dish.dish_id: dish for dish, _ in past}
