"""ASGI middleware that refuses requests that are not sent as JSON, with 415.

A browser sends forms, plain text and bodies without a type wherever a page tells it to. For JSON it asks the
service first, and the service does not permit it. BentoML (1.4) would read all of these as JSON, and answer
500 to a broken form.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.refusals import refusal

JSON = "application/json"


class JsonOnly:
    """Middleware that passes on JSON, and requests without body and content type where no JSON is expected.

    Args:
        app: Application that receives the other requests.
        paths: Paths that take only JSON, even with an empty body.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str]) -> None:
        self.app = app
        self.paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 415 with the content type that was sent."""
        reason = ""
        if scope["type"] == "http":
            expects_json = scope["method"] == "POST" and scope["path"] in self.paths
            reason = _why_not_json(Headers(scope=scope), expects_json=expects_json)
        if not reason:
            await self.app(scope, receive, send)
            return
        await refusal(415, f"{reason}: send JSON, with Content-Type: {JSON}.")(scope, receive, send)


def _why_not_json(headers: Headers, *, expects_json: bool) -> str:
    """Explains what is wrong with the content type; empty if nothing is."""
    kind = headers.get("content-type", "")
    if not kind:
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        return "The request has no content type" if has_body or expects_json else ""
    is_json = kind.partition(";")[0].strip().lower() == JSON
    return "" if is_json else f"The content type is {kind[:100]!r}"
