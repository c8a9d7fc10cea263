"""ASGI middleware: what is not sent as JSON is refused with 415.

A browser sends forms, plain text and what has no type wherever a page tells it to; for JSON it asks
the service first, which does not permit it. BentoML (1.4) reads all of these as JSON, and answers 500
where a form is broken.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.refusals import refusal

JSON = "application/json"


class JsonOnly:
    """Middleware that passes on JSON, and what has neither a body nor a content type where none is expected.

    Args:
        app: Application that receives the other requests.
        paths: Those that are asked by JSON alone, also with an empty body.
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
    """What is wrong with the content type; empty where nothing is."""
    kind = headers.get("content-type", "")
    if not kind:
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        return "The request has no content type" if has_body or expects_json else ""
    is_json = kind.partition(";")[0].strip().lower() == JSON
    return "" if is_json else f"The content type is {kind[:100]!r}"
