"""/questions: which dishes to ask a person about, so that few answers teach much."""

from __future__ import annotations

import numpy as np
from anyio.to_thread import run_sync
from pydantic import ValidationError

from components.domain.catalogue import Listed
from serving import candidates
from serving.answers import Answers, past_of
from serving.catalogue import Published
from serving.permissions import Permissions
from serving.restrictions import bases_of, notes_of
from serving.schemas.fields import DishBody
from serving.schemas.questions import QuestionsAnswer, QuestionsRequest
from serving.search import telling_dishes

MOST_ASKED = 500  # dishes, the most popular ones, of which a question may be


async def answer(
    answers: Answers, published: Published, permissions: Permissions, request: QuestionsRequest
) -> QuestionsAnswer:
    """Answers a request: dishes that the person may eat and has not judged, the most telling one first."""
    versions = answers.versions
    variant, facts = versions.for_person(request.person_id), versions.newest.facts
    chosen, catalogue = await run_sync(candidates.of_eater, request, published, permissions, facts)
    history, past = (chosen.person.history, {}) if request.history is None else past_of(request.history)
    judged = {line.dish.dish_id for line in request.history or ()}
    unjudged = catalogue.without(chosen.offered, judged | set(request.without))
    bodies = {at: body for at in unjudged[:MOST_ASKED].tolist() if (body := _body(catalogue.dishes[at]))}
    offered = np.array(list(bodies), np.int64)
    asked = await versions.in_turn(telling_dishes, variant, history, past, offered, catalogue, request.k)
    await run_sync(bases_of, [catalogue.dishes[at].facts for at in asked], chosen.restrictions)
    return QuestionsAnswer(
        dishes=[bodies[at] for at in asked.tolist()],
        notes=notes_of(request, chosen.person, chosen.restrictions),
    )


def _body(listed: Listed) -> DishBody | None:
    """Writes a dish so that it can be sent in a history; None where its texts are too long for that."""
    dish = {**vars(listed.dish), "allergens": listed.allergens}
    try:
        return DishBody.model_validate(dish)
    except ValidationError:
        return None
