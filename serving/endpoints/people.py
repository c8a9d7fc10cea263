"""/people/{person_id} and /erasures: reads what the service's store holds of a person, and erases people.

BentoML's own APIs are POST only, so `ROUTES` are mounted beside them. The service's middleware wraps both.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import bentoml
from anyio.to_thread import run_sync
from bentoml.exceptions import BentoMLException
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from components.domain.errors import PalateError
from components.domain.ranker.person_ranking import NOT_JUDGED, judge
from serving import store
from serving.refusals import Unavailable, refusal
from serving.schemas.fields import VERDICTS, StoredId
from serving.schemas.people import (
    EatenAnswer,
    ErasureAnswer,
    ErasuresAnswer,
    GivenAnswer,
    PastAnswer,
    PersonAnswer,
    RankingAnswer,
    StoredFeedback,
)
from serving.schemas.request import sentence_of
from serving.search import person_opinions

logger = logging.getLogger("palate")
PREFIX, PATH = "/people/", "/people/{person_id}"
Body = TypeVar("Body", bound=BaseModel)
_ID = TypeAdapter(StoredId)
_VERDICTS: dict[int, Any] = {number: name for name, number in VERDICTS.items()}
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class _BadId(ValueError):
    """The path contains no valid id; the text is the sentence for the caller."""


async def erase_all(person_ids: Iterable[str]) -> ErasuresAnswer:
    """Hides people at once, removes their rows, and queues the rest for the next night: all or nobody.

    Raises:
        Unavailable: The store does not answer, or the service has no store.
    """
    if not store.url():
        raise Unavailable(store.MISSING)
    people = tuple(dict.fromkeys(person_ids))
    try:
        queued_at = await run_sync(lambda: store.people().erase(*people))
    except PalateError as error:
        logger.error("people could not be erased: %s", error)  # noqa: TRY400
        raise Unavailable("The people could not be erased: send the list again.") from error
    return ErasuresAnswer(people=len(people), queued_at=queued_at)


async def _person(request: Request) -> Response:
    """Reads or erases the person in the path; turns every failure into a sentence."""
    try:
        person_id = _id_in(request.scope["raw_path"])
    except _BadId as error:
        return refusal(400, str(error))
    if not store.url():
        return refusal(503, store.MISSING)
    try:
        if request.method == "DELETE":
            return await run_sync(_erase, person_id)
        return await _read(person_id)
    except PalateError as error:
        logger.error("a person could not be read or erased: %s", error)  # noqa: TRY400
        return refusal(503, "The service's store does not answer: send it again.")


async def _read(person_id: str) -> Response:
    """Looks up all that the store holds of a person: 404 if there is nothing, 410 after an erasure."""
    if await run_sync(store.people().is_erased, person_id):
        return refusal(410, store.ERASED)
    rows = await run_sync(store.people().read, person_id)
    if not any(rows.values()):
        return refusal(404, "The service's store holds nothing of this person: look at the id.")
    return _json(200, _answer(person_id, rows, await _ranking(person_id)))


async def _ranking(person_id: str) -> RankingAnswer | None:
    """Judges the ranking of the version that answers a person; None while the service cannot say.

    Whatever the model or the catalogue lacks, a person can read what is stored of them.
    """
    service: Any = bentoml.get_current_service()
    try:
        variant = service.versions.for_person(person_id)
        person, catalogue = await run_sync(service.published.of, person_id)
        found = await service.versions.in_turn(person_opinions, variant, person.history, catalogue)
    except (BentoMLException, PalateError) as error:
        logger.warning("a person's ranking could not be judged: %s", error)
        return None
    return RankingAnswer(**vars(await run_sync(judge, *found) if found else NOT_JUDGED))


def _erase(person_id: str) -> Response:
    return _json(202, ErasureAnswer(person_id=person_id, queued_at=store.people().erase(person_id)))


def _id_in(raw_path: bytes) -> str:
    """Decodes the id in a path exactly as it was sent, so that no escape is guessed at.

    Raises:
        _BadId: The path contains no valid id.
    """
    path = raw_path.partition(b"?")[0]
    raw = path.removeprefix(PREFIX.encode())
    if raw == path:
        raise _BadId(f"The path must begin with {PREFIX} unescaped, and then have the id.")
    if _BROKEN_ESCAPE.search(raw):
        raise _BadId("The id in the path has a % that escapes nothing: send %25 for a percent sign.")
    try:
        return _ID.validate_python(unquote_to_bytes(raw).decode())
    except UnicodeDecodeError as error:
        raise _BadId("The id in the path is not UTF-8: escape its bytes in UTF-8.") from error
    except ValidationError as error:
        raise _BadId(f"person_id: {sentence_of(error.errors()[0])}") from error


def _answer(
    person_id: str, rows: dict[str, list[dict[str, Any]]], ranking: RankingAnswer | None
) -> PersonAnswer:
    profile = rows["people"][0] if rows["people"] else {}
    answers = [
        {**row, "filters": json.loads(row["filters"]), "dishes": [_shown(dish) for dish in row["shown"]]}
        for row in rows["exposures"]
    ]
    return PersonAnswer(
        person_id=person_id,
        diet=profile.get("diet", ""),
        allergies=profile.get("allergies", []),
        avoids=profile.get("avoids", []),
        history=[
            PastAnswer(dish_id=row["dish_id"], verdict=_VERDICTS[row["verdict"]], rating=row["rating"])
            for row in rows["history"]
        ],
        eaten=[_only(EatenAnswer, row) for row in rows["eaten"]],
        answers=[_only(GivenAnswer, row) for row in answers],
        feedback=[_only(StoredFeedback, row) for row in rows["feedback"]],
        ranking=ranking,
    )


def _shown(shown: dict[str, Any]) -> dict[str, Any]:
    return {"dish_id": shown["dish"]["dish_id"], "name": shown["dish"]["name"], "score": shown["score"]}


def _only(body: type[Body], row: dict[str, Any]) -> Body:
    """Converts a row to a body, without the columns that the body lacks."""
    return body.model_validate({name: row[name] for name in body.model_fields})


def _json(status: int, answer: PersonAnswer | ErasureAnswer) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")


ROUTES = [Route("/people/{person_id:path}", _person, methods=["GET", "DELETE"])]
