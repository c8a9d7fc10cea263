"""ASGI middleware that refuses too large a body with 413 before it is held in memory, and bad JSON with 400.

If the client goes away before the end of a body, the request is not passed on.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.refusals import refusal
from serving.unique_keys import why_ambiguous


class BodyLimit:
    """Middleware that counts a body's bytes as they arrive, whatever its header Content-Length says.

    Args:
        app: Application that receives the requests within the limit.
        max_bytes: Size of the largest allowed body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 413 as soon as its body is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(receive)
        except ClientDisconnect:  # the answer reaches nobody, but ends the request for the middleware outside
            await refusal(400, "The body ended early.")(scope, receive, send)
            return
        if body is None:
            too_large = refusal(413, f"The request is larger than {self.max_bytes:,} bytes.")
            await too_large(scope, receive, send)
            return
        reason = why_ambiguous(body) if body else ""
        if reason:
            await refusal(400, reason)(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Collects the whole body; None if it is larger than allowed.

        Raises:
            ClientDisconnect: The client went away before the end of the body.
        """
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self.max_bytes:
                return None
            if not message.get("more_body"):
                return bytes(body)
