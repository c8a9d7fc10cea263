"""Refuses answers for erased people, from the moment of erasure, in every process that shares the store."""

from __future__ import annotations

import logging

import anyio.to_thread

from components.domain.errors import PalateError
from serving import store
from serving.refusals import Gone

logger = logging.getLogger("palate")
SENTENCE = "This person was erased: use another person_id."  # without the id, since sentences come into logs


async def refuse_erased(person_id: str) -> None:
    """Checks before anything is answered for a person that they were not erased.

    If the store does not answer, the request goes on: `/rank` can be served from the request alone, and
    everything that reads or writes the store refuses by itself.

    Args:
        person_id: Id of the person, as the contract reads it.

    Raises:
        Gone: The person was erased.
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
