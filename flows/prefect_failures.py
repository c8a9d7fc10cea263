"""Failures of Prefect's server as sentences, which its client raises as errors of other libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from httpx import URL, HTTPError

from components.domain.errors import StageFailed

NOT_REACHED = "Failed to reach API"  # start of the RuntimeError that Prefect's client raises (3.8.8)


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turns what the client raises within the block into one sentence.

    Raises:
        StageFailed: The server is down, hangs or answers with an error, before a flow or at its end.
    """
    try:
        yield
    except (HTTPError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not str(error).startswith(NOT_REACHED):
            raise
        url = URL(os.environ.get("PREFECT_API_URL", ""))
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise StageFailed(
            f"Prefect ({url.scheme}://{url.netloc.decode()}) does not answer: {reason}. Is it running? "
            "Nothing is lost: run again once it is, or without PREFECT_API_URL."
        ) from error
