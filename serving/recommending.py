"""Dishes of the catalogue for a person of the store: what they may eat, and what they would like."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bentoml.exceptions import InvalidArgument, ServiceUnavailable

from components.domain.catalogue import Listed, Person
from components.domain.diet import LeftOut, Restrictions, permitted, read_restrictions, violations
from components.domain.errors import PalateError
from components.domain.records import Past, Question
from serving.arm import Arm
from serving.exposures import STORE
from serving.limits import check_tokens, is_short
from serving.schema import VERDICTS, LeftOutDish, RecommendAnswer, Recommendation, RecommendRequest

MOST_REASONS = 2  # past dishes named for a recommendation
LINES_LEFT_OUT = 20  # of a history, the latest, that are left out one by one


class Published:
    """The catalogue and the people as the last night published them."""

    def __init__(self) -> None:
        self._catalogue: Any = None
        self._version, self._dishes = "", list[Listed]()

    def dishes(self) -> list[Listed]:
        """The catalogue.

        Raises:
            ServiceUnavailable: There is none, or the store does not answer.
        """
        try:
            version = self._opened().version()
            if version != self._version:
                self._dishes, self._version = self._opened().dishes(), version
        except PalateError as error:
            raise ServiceUnavailable(str(error)) from error
        if not version:
            raise ServiceUnavailable("Nothing is published yet: run a night.")
        return self._dishes

    def person(self, person_id: str) -> Person:
        """A person; without a diet, allergies and a history where nobody knows them.

        Raises:
            ServiceUnavailable: The store does not answer, so nobody knows what they may eat.
        """
        try:
            person: Person = self._opened().person(person_id)
        except PalateError as error:
            raise ServiceUnavailable(str(error)) from error
        return person

    def _opened(self) -> Any:
        if not os.environ.get(STORE):
            raise ServiceUnavailable(f"This service knows nobody: start it with {STORE}.")
        if self._catalogue is None:
            from components.integrations.service_store import Catalogue

            self._catalogue = Catalogue(os.environ[STORE])
        return self._catalogue


def restrictions_of(request: RecommendRequest, person: Person) -> Restrictions:
    """What the person may not or will not eat: what is known and what the request adds.

    Raises:
        InvalidArgument: There is no rule for a diet, or nobody can tell what the person may eat.
        ServiceUnavailable: There is no rule for the diet that is stored.
    """
    if not person.is_listed and request.allergies is None:
        raise InvalidArgument(
            f"person_id {request.person_id!r} is not in the table of people, so nobody can tell what they "
            "may eat: send allergies, an empty list where there are none."
        )
    try:
        more = read_restrictions(request.diet, request.allergies or (), request.avoids)
    except PalateError as error:
        raise InvalidArgument(str(error)) from error
    try:
        stored = read_restrictions(person.diet, person.allergies, person.avoids)
    except PalateError as error:
        raise ServiceUnavailable(f"The diet of {request.person_id!r} cannot be read: {error}") from error
    if stored.diet and more.diet and stored.diet != more.diet:
        raise InvalidArgument(f"the person's diet is {stored.diet}, not {more.diet}: leave it out.")
    return Restrictions(
        stored.diet or more.diet,
        tuple(sorted({*stored.allergies, *more.allergies})),
        tuple(dict.fromkeys((*stored.avoids, *more.avoids))),
    )


def on_offer(request: RecommendRequest, catalogue: Sequence[Listed]) -> list[Listed]:
    """The dishes that the request asks about.

    Raises:
        InvalidArgument: A dish is not in the catalogue.
    """
    by_id = {listed.dish.dish_id: listed for listed in catalogue if listed.is_offered}
    missing = [dish for dish in request.dishes if dish not in by_id]
    if missing:
        raise InvalidArgument(f"dish_id {missing[0]!r} is not in the catalogue: send ids of its dishes.")
    listed = [by_id[dish] for dish in dict.fromkeys(request.dishes)] or list(by_id.values())
    tags = {tag.casefold() for tag in request.tags}
    return [each for each in listed if not tags or tags & {tag.casefold() for tag in each.dish.tags}]


def choose(
    dishes: Sequence[Listed], restrictions: Restrictions, disliked: set[str], most: int
) -> tuple[list[Listed], list[LeftOut]]:
    """The dishes to rank, at most so many, the most popular first; and what may not be offered."""
    offered, left_out = permitted([listed.facts for listed in dishes], restrictions)
    ids = {dish.dish_id for dish in offered} - disliked
    rest = sorted(
        (listed for listed in dishes if listed.dish.dish_id in ids), key=lambda one: -one.popularity
    )
    return rest[:most], list(left_out)


def check(dishes: Sequence[Listed], restrictions: Restrictions) -> None:
    """Looks at an answer's dishes again, by other code than `choose`.

    Raises:
        ServiceUnavailable: One of them must not be offered, so none is.
    """
    if violations([listed.facts for listed in dishes], restrictions):
        raise ServiceUnavailable("The two checks of the diet disagree, so nothing is offered.")


def questions_without(question: Question) -> list[Question]:
    """The question with each of the latest lines of its history left out in turn."""
    history = question.history
    first = max(0, len(history) - LINES_LEFT_OUT)
    return [
        Question(question.person_id, history[:line] + history[line + 1 :], question.dishes)
        for line in range(first, len(history))
    ]


def because(
    history: Sequence[Past], names: dict[str, str], score: float, without: Sequence[float]
) -> list[str]:
    """Names of the lines without which a dish's score falls most.

    Args:
        history: The lines that were left out in turn.
        names: Of dishes, by id.
        score: With all of them.
        without: The score without each.
    """
    falls = sorted(zip((score - other for other in without), history, strict=True), key=lambda pair: -pair[0])
    moved = [names.get(past.dish_id, past.dish_id) for fall, past in falls if fall > 0]
    return list(dict.fromkeys(moved))[:MOST_REASONS]


@dataclass(frozen=True)
class Ranked:
    """Dishes with their scores, best first.

    Attributes:
        dishes: In logits; by popularity where nothing is known of the person.
        because: Names of past dishes for the best ones.
        cold_start: Whether nothing is known of the person.
    """

    dishes: list[tuple[Listed, float]]
    because: list[list[str]]
    cold_start: bool


async def rank(
    in_turn: Callable[..., Any],
    arm: Arm,
    request: RecommendRequest,
    person: Person,
    chosen: Sequence[Listed],
    catalogue: Sequence[Listed],
) -> Ranked:
    """Ranks the chosen dishes for a person.

    Args:
        in_turn: Runs model work.
        arm: The version that answers.
        request: Its history goes before the person's.
        person: As the service knows them.
        chosen: What may be offered.
        catalogue: Has the dishes of the history.
    """
    dishes = {listed.dish.dish_id: listed.dish for listed in catalogue}
    if request.history is None:
        history = tuple(past for past in person.history if past.dish_id in dishes)
    else:
        past = [(line.dish.record("past/"), line) for line in request.history]
        dishes |= {dish.dish_id: dish for dish, _ in past}
        history = tuple(Past(dish.dish_id, VERDICTS[line.verdict], line.rating) for dish, line in past)
    history = history[-arm.facts["serve"]["max_history"] :]
    tokens = arm.tokens(dishes)
    history = tuple(past for past in history if is_short(arm, tokens, past.dish_id))
    chosen = [listed for listed in chosen if is_short(arm, tokens, listed.dish.dish_id)]
    if not history or not chosen:
        return Ranked([(listed, listed.popularity) for listed in chosen], [[] for _ in chosen], not history)
    question = Question(request.person_id, history, tuple(listed.dish.dish_id for listed in chosen))
    check_tokens(arm, question, tokens)
    scores = await in_turn(arm.scores, question, tokens)
    best = sorted(zip(chosen, scores, strict=True), key=lambda pair: -pair[1])
    top = Question(request.person_id, history, tuple(one.dish.dish_id for one, _ in best[: request.k]))
    without = await in_turn(arm.sensitivity, questions_without(top), tokens) if arm.model.head else []
    names = {dish_id: dish.name for dish_id, dish in dishes.items()}
    lines = history[-len(without) :] if without else ()
    reasons = [
        because(lines, names, score, [scores[index] for scores in without])
        for index, (_, score) in enumerate(best[: request.k])
    ]
    return Ranked(best, reasons, cold_start=False)


def answer(
    arm: Arm, answer_id: str, request: RecommendRequest, ranked: Ranked, left_out: Sequence[LeftOut]
) -> RecommendAnswer:
    """The answer to a request."""
    return RecommendAnswer(
        answer_id=answer_id,
        person_id=request.person_id,
        dishes=[
            Recommendation(dish_id=one.dish.dish_id, name=one.dish.name, score=score, because=reasons)
            for (one, score), reasons in zip(ranked.dishes[: request.k], ranked.because, strict=False)
        ],
        left_out=[
            LeftOutDish(dish_id=one.dish_id, reasons=[reason.sentence for reason in one.reasons])
            for one in left_out
        ],
        cold_start=ranked.cold_start,
        considered=len(ranked.dishes),
        model=arm.facts["model"],
        model_version=arm.facts["model_version"],
        data_version=arm.facts["data_md5"],
        preview=arm.facts["preview"],
    )
