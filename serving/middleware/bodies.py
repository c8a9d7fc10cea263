"""ASGI middleware that lets in JSON alone: of bounded size, and with one meaning.

A browser sends forms, plain text and bodies without a type wherever a page tells it to. For JSON it asks the
service first, and the service does not permit it. BentoML (1.4) would read all of these as JSON, and answer
500 to a broken form. Of two lists of allergies under one key only the last would count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import pydantic_core
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.refusals import refusal

JSON = "application/json"


class Bodies:
    """Middleware that answers 415, 413 or 400 to a body that the application should not see.

    Bytes are counted as they arrive, whatever the header Content-Length says. If the client goes away before
    the end of a body, the request is not passed on.

    Args:
        app: Application that receives the other requests, each body in one message.
        paths: Paths that take only JSON, even with an empty body.
        max_bytes: Size of the largest allowed body.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], max_bytes: int) -> None:
        self.app = app
        self.paths = frozenset(paths)
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        expects_json = scope["method"] == "POST" and scope["path"] in self.paths
        reason = _why_not_json(Headers(scope=scope), expects_json=expects_json)
        if reason:
            await refusal(415, f"{reason}: send JSON, with Content-Type: {JSON}.")(scope, receive, send)
            return
        body = await self._read(receive)
        if isinstance(body, Response):
            await body(scope, receive, send)
            return
        bodies = [body]

        async def replay() -> Message:
            if bodies:
                return {"type": "http.request", "body": bodies.pop(), "more_body": False}
            return await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | Response:
        """Collects the whole body, or builds its refusal where it is too large, broken off or ambiguous."""
        try:
            body = await self._whole(receive)
        except ClientDisconnect:  # the answer reaches nobody, but ends the request for the middleware outside
            return refusal(400, "The body ended early.")
        if body is None:
            return refusal(413, f"The request is larger than {self.max_bytes:,} bytes.")
        reason = _why_ambiguous(body) if body else ""
        return refusal(400, reason) if reason else body

    async def _whole(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while len(body) <= self.max_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if not message.get("more_body") and len(body) <= self.max_bytes:
                return bytes(body)
        return None


def _why_not_json(headers: Headers, *, expects_json: bool) -> str:
    """Explains what is wrong with the content type; empty if it is right."""
    kind = headers.get("content-type", "")
    if not kind:
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        return "The request has no content type" if has_body or expects_json else ""
    is_json = kind.partition(";")[0].strip().lower() == JSON
    return "" if is_json else f"The content type is {kind[:100]!r}"


class _Repeated(Exception):
    """An object has a key twice."""


def _why_ambiguous(body: bytes) -> str:
    """Explains why a body could be read in two ways; empty if it has one meaning or is not JSON at all."""
    try:  # with options that take all that pydantic's parser takes
        json.loads(body, object_pairs_hook=_check_pairs, parse_int=str, strict=False)
    except _Repeated as error:
        return f"The body has the key {str(error)[:100]!r} twice in one object: send it once."
    except (ValueError, RecursionError):
        with suppress(ValueError):
            pydantic_core.from_json(body)
            return "The body can be read in two ways: send plain JSON in UTF-8."
    return ""


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated(Counter(key for key, _ in pairs).most_common(1)[0][0])
