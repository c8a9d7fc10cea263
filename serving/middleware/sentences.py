"""ASGI middleware that writes every refusal as `{"error": SENTENCE}`.

BentoML (1.4) wraps a refusal's sentence in a list, passes on what pydantic found as a list of records, and
hides the sentences of errors from 500 on. Starlette answers in plain text if there is no such path or method.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.refusals import CURRENT

MOST_PROBLEMS, MOST_LETTERS = 5, 100  # of a sentence, and of a key in it
HALF_A_CHARACTER = ("unexpected end of hex escape", "lone leading surrogate")  # in pydantic's words


class Sentences:
    """Middleware that rewrites the bodies of answers with a status of 400 or more.

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
                body = _with_sentence(message.get("body", b""), start["status"], scope)
                headers = MutableHeaders(raw=list(start["headers"]))
                headers.update({"content-length": str(len(body)), "content-type": "application/json"})
                call = CURRENT.get()
                if call and call.retry_after_s:
                    headers["retry-after"] = str(call.retry_after_s)
                await send({**start, "headers": headers.raw})
                message, start = {**message, "body": body}, None
            elif start:  # BentoML's own answers never come in parts
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, rewrite if scope["type"] == "http" else send)


def _with_sentence(body: bytes, status: int, scope: Scope) -> bytes:
    """Rewrites a body as one sentence.

    A body that is not a refusal of BentoML gets a sentence for its status.
    """
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    call = CURRENT.get()
    if call and call.sentence and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        content = {"error": call.sentence}
    if not isinstance(content, dict) or "error" not in content:
        return json.dumps({"error": _sentence_of(status, scope)}).encode()
    details = content.get("detail")
    return json.dumps(
        {"error": _problems(details) if isinstance(details, list) else content["error"]}
    ).encode()


def _sentence_of(status: int, scope: Scope) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "This path does not exist: /docs.json lists all paths."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{scope['method'][:20]} is not possible at this path: /docs.json lists what is."
    return f"The request ended with {HTTPStatus(status).phrase}."


def _problems(details: list[Any]) -> str:
    more = f"; and {len(details) - MOST_PROBLEMS} more" if len(details) > MOST_PROBLEMS else ""
    return "; ".join(map(_problem, details[:MOST_PROBLEMS])) + more


def _problem(detail: Any) -> str:
    what, parts = str(detail["msg"]).removeprefix("Value error, "), detail["loc"]
    if detail["type"] == "json_invalid" and any(cause in what for cause in HALF_A_CHARACTER):
        place = what.rpartition(" at ")[2]
        return f"The body has half a character at {place}: send both halves, as in \\ud83c\\udf5d."
    if len(parts) > 2 and parts[-1] == "[key]":  # pydantic's word for a refused name, which the sentence has
        parts = parts[:-2]
    # Names of unknown keys are the caller's: they may be long, or hold what no terminal should print.
    where = ".".join(_printable(str(part)) for part in parts)
    return f"{where}: {what}" if where else what


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:MOST_LETTERS])
