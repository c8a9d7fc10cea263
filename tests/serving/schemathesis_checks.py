"""What Schemathesis checks of each answer besides its own checks; schemathesis.toml names this file."""

from __future__ import annotations

import schemathesis
from schemathesis import Case, CheckContext, Response

from tests.serving.malformed import why_not_a_sentence


@schemathesis.check
def refusal_is_one_sentence(ctx: CheckContext, response: Response, case: Case) -> None:
    if response.status_code >= 400 and response.request.method != "HEAD":
        why_not = why_not_a_sentence(response.content)
        assert not why_not, f"The body of a {response.status_code} is no sentence: {why_not}"
