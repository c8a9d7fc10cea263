"""The store that PALATE_STORE names, opened when first needed: a service starts without its database."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

from components.domain.errors import PalateError
from serving.refusals import Gone

logger = logging.getLogger("palate")
SILENCE_S = 5  # of a PostgreSQL, after which it does not answer; a request has serve.deadline_s
STORE = "PALATE_STORE"  # variable with SQLAlchemy's URL; none: nothing is stored and nobody is known
MISSING = f"This service stores nothing: start it with {STORE}."
ERASED = "This person was erased: use another person_id."  # without the id, since sentences come into logs


def url() -> str:
    """Reads the store's URL from PALATE_STORE; empty where it is not set."""
    return os.environ.get(STORE, "")


def answers() -> Any:
    """Opens the stored answers and feedback.

    Raises:
        StageFailed: The store cannot be opened; so for the other parts of the store.
    """
    return _opened(url(), "ServiceStore")


def people() -> Any:
    """Opens what the store holds of single people, and who was erased."""
    return _opened(url(), "People")


def catalogue() -> Any:
    """Opens the catalogue and the published people."""
    return _opened(url(), "Catalogue")


def refuse_erased(person_id: str) -> None:
    """Checks that a person was not erased.

    An erasure counts at once, in every process that shares the store. If the store does not answer, the
    request goes on: `/rank` can be served from the request alone, and everything that reads or writes the
    store refuses by itself.

    Raises:
        Gone: The person was erased.
    """
    if not url():
        return
    try:
        is_erased = people().is_erased(person_id)
    except PalateError as error:
        logger.error("nobody can tell who was erased: %s", error)  # noqa: TRY400
        return
    if is_erased:
        raise Gone(ERASED)


@cache
def _opened(url: str, part: str) -> Any:
    # Imported here: BentoML's parent process imports this file too.
    from components.integrations import postgresql_waits, service_store

    postgresql_waits.limit(SILENCE_S)
    return getattr(service_store, part)(url)
