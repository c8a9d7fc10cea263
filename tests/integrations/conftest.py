"""What several tests of integrations ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgresql import postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL for the tests of one file, with an empty database."""
    with postgresql("meals") as url:
        yield url
