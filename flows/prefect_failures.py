"""Sentences for failures of Prefect's server, which its client raises as errors of other libraries."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from httpx import URL, HTTPError

from components.domain.errors import StageFailed
from flows.environment import MIN_FREE_MB, OWN_PREFECT

NOT_REACHED = "Failed to reach API"  # begins the RuntimeErrors that Prefect's client raises (3.8.8)


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turns errors of Prefect's client within the block into one sentence.

    Raises:
        StageFailed: The server is down, hangs or answers with an error, before a flow or at its end.
    """
    try:
        yield
    except (HTTPError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not str(error).startswith(NOT_REACHED):
            raise
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        address = os.environ["PREFECT_API_URL"]
        is_own = address == os.environ.get(OWN_PREFECT)
        raise StageFailed(_of_our_own(reason) if is_own else _of_a_server(URL(address), reason)) from error


def _of_a_server(url: URL, reason: str) -> str:
    return (
        f"Prefect ({url.scheme}://{url.netloc.decode()}) does not answer: {reason}. Is it running? "
        "Nothing is lost: run again once it is, or without PREFECT_API_URL."
    )


def _of_our_own(reason: str) -> str:
    """Explains a failure of the server that a flow without PREFECT_API_URL runs for itself."""
    home = Path(os.environ["PREFECT_HOME"])
    free = shutil.disk_usage(home).free / 1e6
    if free < MIN_FREE_MB:
        return (
            f"Prefect cannot write its database: the disk of '{home}' has {free:.0f} MB free. Nothing is "
            "lost: make room, then run again."
        )
    return f"Prefect's own server failed: {reason}. Nothing is lost: run again."
