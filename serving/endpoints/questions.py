"""/questions: which dishes to ask a person about, so that few answers teach much."""

from __future__ import annotations

from anyio.to_thread import run_sync

from components.domain.preferences.contract import as_id
from serving import candidates
from serving.answers import Answers, past_of
from serving.catalogue import Published
from serving.permissions import Permissions
from serving.restrictions import bases_of, notes_of
from serving.schemas.questions import AskedDish, QuestionsAnswer, QuestionsRequest
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
    judged = {line.dish_id for line in history} | {as_id(line.dish.dish_id) for line in request.history or ()}
    offered = catalogue.without(chosen.offered, judged | set(request.without))[:MOST_ASKED]
    asked = await versions.in_turn(telling_dishes, variant, history, past, offered, catalogue, request.k)
    await run_sync(bases_of, [catalogue.dishes[at].facts for at in asked], chosen.restrictions)
    dishes = [catalogue.dishes[at].dish for at in asked]
    return QuestionsAnswer(
        dishes=[
            AskedDish(dish_id=each.dish_id, name=each.name, description=each.description) for each in dishes
        ],
        notes=notes_of(request, chosen.person, chosen.restrictions),
    )
