"""The store that PALATE_STORE names, opened when first needed: a service starts without its database."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

STORE = "PALATE_STORE"  # variable with SQLAlchemy's URL; none: nothing is stored and nobody is known


def url() -> str:
    """The store's URL; empty where there is none."""
    return os.environ.get(STORE, "")


@cache
def answers(url: str) -> Any:
    """The answers and the feedback at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """
    # Imported here: BentoML's parent process imports this file too.
    from components.integrations.service_store import ServiceStore

    return ServiceStore(url)


@cache
def people(url: str) -> Any:
    """What is held of single people, and who was erased, at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """
    from components.integrations.service_store import People

    return People(url)


@cache
def catalogue(url: str) -> Any:
    """The catalogue and the people at a URL.

    Raises:
        StageFailed: The store cannot be opened.
    """
    from components.integrations.service_store import Catalogue

    return Catalogue(url)
