"""ASGI middleware: every refusal is `{"error": SENTENCE}`.

BentoML (1.4) wraps a refusal's sentence in a list, and gives what pydantic found as a list of its records.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Sentences:
    """Middleware that rewrites the bodies of answers from 400 on.

    Args:
        app: Application whose answers come in one message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, and its answer back."""
        start: Message | None = None

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] >= 400:
                start = message
                return
            if start and message["type"] == "http.response.body" and not message.get("more_body"):
                body = _with_sentence(message.get("body", b""))
                headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
                length = (b"content-length", str(len(body)).encode())
                await send({**start, "headers": [*headers, length]})
                message, start = {**message, "body": body}, None
            elif start:  # it comes in parts, so it is none of BentoML's
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, rewrite if scope["type"] == "http" else send)


def _with_sentence(body: bytes) -> bytes:
    """The body with one sentence; as it is where it is no refusal of BentoML's."""
    try:
        content = json.loads(body)
    except ValueError:
        return body
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict) or "error" not in content:
        return body
    details = content.get("detail")
    sentence = "; ".join(map(_problem, details)) if isinstance(details, list) else content["error"]
    return json.dumps({"error": sentence}).encode()


def _problem(detail: Any) -> str:
    where = ".".join(map(str, detail["loc"]))
    what = str(detail["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
