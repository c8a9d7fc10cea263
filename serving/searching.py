"""Scores all dishes that a person may have, where the model reads each dish without the person.

The dishes' vectors travel with the release. A newer dish is read when it is first wanted, the most popular
ones first and a bounded number in each request. Until it is read, it is in no answer, and `considered` does
not count it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from components.domain.catalogue import Person
from components.domain.preferences.arrays import Floats, Ints
from components.domain.records import Dish, Past, Question
from serving.arm import Arm
from serving.limits import check_tokens, is_short
from serving.listing import Listing
from serving.recommending import Ranked, because, history_of, questions_without
from serving.refusals import must_go_on
from serving.schemas.recommend import RecommendRequest

if TYPE_CHECKING:
    from components.domain.ranker.dish_table import DishTable

LEAST_NEW = 8  # dishes that a request reads although it has enough to rank: a few tenths of a second


async def rank(
    in_turn: Callable[..., Any],
    arm: Arm,
    request: RecommendRequest,
    person: Person,
    chosen: Ints,
    catalogue: Listing,
) -> Ranked:
    """Ranks the chosen dishes for a person.

    Args:
        in_turn: Runs model work in the model's thread.
        arm: The version that answers; its model has a head.
        request: The request; its history, where it has one, replaces the person's.
        person: The person as the store knows them.
        chosen: Positions of the dishes that may be offered, the most popular first.
        catalogue: All dishes, those of the history included; a different object only after something was
            published.
    """
    ranked: Ranked = await in_turn(_rank, arm, request, person, chosen, catalogue)
    return ranked


def _rank(arm: Arm, request: RecommendRequest, person: Person, chosen: Ints, catalogue: Listing) -> Ranked:
    table = arm.table_of(catalogue)
    lines, past = history_of(request, person)
    dishes = ChainMap(past, table.dishes)
    history = _legible(arm, table, lines, dishes)
    if not history:
        first = [catalogue.dishes[index] for index in chosen[: request.k]]
        popular = [(listed, listed.popularity) for listed in first]
        return Ranked(popular, [[] for _ in popular], cold_start=True, considered=len(chosen))
    _read_new(arm, table, table.rows[chosen])
    at = chosen[table.is_read(table.rows[chosen])]
    scores = arm.counted(lambda: table.scores(history, dishes, before_batch=must_go_on)[table.rows[at]])
    best = best_of(scores, request.k)
    ranked = [(catalogue.dishes[at[index]], float(scores[index])) for index in best]
    question = Question(request.person_id, history, tuple(listed.dish.dish_id for listed, _ in ranked))
    variants = questions_without(question)
    without = table.answers(variants, dishes).reshape(len(variants), -1)
    names = [dishes[line.dish_id].name for line in history[len(history) - len(variants) :]]
    reasons = [because(names, score, without[:, number].tolist()) for number, (_, score) in enumerate(ranked)]
    unknown = int((~table.is_packed(table.rows[at])).sum())
    return Ranked(
        ranked, reasons, cold_start=False, considered=len(at), history=len(history), unknown=unknown
    )


def best_of(scores: Floats, count: int) -> Ints:
    """Finds the positions of the highest scores, best first.

    Of equal scores the earlier position comes first.
    """
    at = np.arange(len(scores))
    if len(scores) > count:
        at = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    return at[np.argsort(-scores[at], kind="stable")][:count]


def _legible(
    arm: Arm, table: DishTable, history: Sequence[Past], dishes: Mapping[str, Dish]
) -> tuple[Past, ...]:
    """Chooses the latest lines of the history whose dish the model has read or can read.

    Raises:
        InvalidArgument: The dishes that it has not read yet are too much to read for one request.
    """
    unread = {
        line.dish_id for line in history if line.dish_id in dishes and not table.has(dishes[line.dish_id])
    }
    tokens = arm.tokens({dish: dishes[dish] for dish in unread})
    legible = [
        line
        for line in history
        if line.dish_id in dishes and (line.dish_id not in unread or is_short(arm, tokens, line.dish_id))
    ][-arm.facts["serve"]["max_history"] :]
    check_tokens(arm, Question("", tuple(line for line in legible if line.dish_id in unread), ()), tokens)
    return tuple(legible)


def _read_new(arm: Arm, table: DishTable, rows: Ints) -> None:
    """Reads dishes that have no vector, until as many as a request may rank are read, and then a few more."""
    serve = arm.facts["serve"]
    missing = serve["max_dishes"] - int(table.is_read(rows).sum())
    table.read(rows, max(LEAST_NEW, missing), serve["max_tokens"], must_go_on)
