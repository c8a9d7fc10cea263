"""The store that PALATE_STORE names, opened when first needed: a service starts without its database."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

SILENCE_S = 5  # of a PostgreSQL, after which it does not answer; a request has serve.deadline_s
STORE = "PALATE_STORE"  # variable with SQLAlchemy's URL; none: nothing is stored and nobody is known
MISSING = f"This service stores nothing: start it with {STORE}."


def url() -> str:
    """Reads the store's URL from PALATE_STORE; empty where it is not set."""
    return os.environ.get(STORE, "")


@cache
def answers(url: str) -> Any:
    """Opens the stored answers and feedback at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """
    return _store(url, "ServiceStore")


@cache
def people(url: str) -> Any:
    """Opens what the store at a URL holds of single people, and who was erased.

    Raises:
        StageFailed: The store cannot be opened.
    """
    return _store(url, "People")


@cache
def catalogue(url: str) -> Any:
    """Opens the catalogue and the people at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """
    return _store(url, "Catalogue")


def _store(url: str, name: str) -> Any:
    # Imported here: BentoML's parent process imports this file too.
    from components.integrations import postgresql_waits, service_store

    postgresql_waits.limit(SILENCE_S)
    return getattr(service_store, name)(url)
