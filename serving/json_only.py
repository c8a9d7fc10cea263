"""ASGI middleware: forms are refused with 400; BentoML answers 500 where one is broken."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FORMS = ("multipart/", "application/x-www-form-urlencoded")


class JsonOnly:
    """Middleware that passes on no form; the service takes JSON alone.

    Args:
        app: Application that receives the other requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 400 with the content type that was sent."""
        kind = Headers(scope=scope).get("content-type", "") if scope["type"] == "http" else ""
        if not kind.lower().startswith(FORMS):
            await self.app(scope, receive, send)
            return
        sentence = f"The content type is {kind[:100]!r}: send JSON, with Content-Type: application/json."
        await JSONResponse({"error": sentence}, 400)(scope, receive, send)
