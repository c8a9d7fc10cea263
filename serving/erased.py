"""Who was erased gets no answer: from the moment of their erasure, in every process that shares the store."""

from __future__ import annotations

import logging
from http import HTTPStatus

import anyio.to_thread
from bentoml.exceptions import BentoMLException

from components.domain.errors import PalateError
from serving import store

logger = logging.getLogger("palate")
SENTENCE = "This person was erased: use another person_id."  # without the id, since sentences come into logs


class Gone(BentoMLException):
    """The person was erased; answered with 410."""

    error_code = HTTPStatus.GONE


async def refuse_erased(person_id: str) -> None:
    """Is called before anything is answered for a person.

    Where the store does not answer, `/rank` goes on: it serves by what the request says alone. What reads or
    writes the store refuses by itself.

    Args:
        person_id: As the contract reads it.

    Raises:
        Gone: They were erased.
    """
    if not store.url():
        return
    try:
        is_erased = await anyio.to_thread.run_sync(lambda: store.people(store.url()).is_erased(person_id))
    except PalateError as error:
        logger.error("nobody can tell who was erased: %s", error)  # noqa: TRY400
        return
    if is_erased:
        raise Gone(SENTENCE)
