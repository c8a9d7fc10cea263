"""A refusal: one sentence, in the form that BentoML gives to its own refusals."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Builds the answer to a request that is refused.

    Args:
        status: Code of HTTP.
        sentence: What was wrong, the value, and what to do.
        headers: More headers of the answer.
    """
    return JSONResponse({"error": sentence}, status, headers)
