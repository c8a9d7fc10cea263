"""ASGI middlewares that count requests, and bound how many run at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics
from serving.refusals import CURRENT, Call, refusal

OTHER = "other"  # label of all paths that the service does not have
RETRY_AFTER_S = 2


class Requests:
    """Middleware that counts each request under the path that it belongs to, and all unknown paths as one.

    It makes one line of the path, since Starlette's routes match no line break; handlers read ids from the
    path as it was sent.

    Args:
        app: Application that answers.
        paths: Paths that the service has.
        families: By prefix of paths, the name under which all paths with it are counted.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], families: Mapping[str, str]) -> None:
        self.app = app
        self.paths = frozenset(paths)
        self.families = families

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and counts how it ended; a request that was broken off counts as 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = {**scope, "path": scope["path"].replace("\n", " ")}
        started, status = time.monotonic(), int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            metrics.current().requested(self._name_of(scope["path"]), status, time.monotonic() - started)

    def _name_of(self, path: str) -> str:
        if path in self.paths:
            return path
        return next((name for start, name in self.families.items() if path.startswith(start)), OTHER)


class Slots:
    """Middleware that answers 429 to requests above the limit, and watches whether a client is still there.

    There are four limits of their own: for requests that need the model, for plans, for feedback, and for
    reading or erasing people. While one of them is reached, other requests are still answered.

    Args:
        app: Application that receives the other requests; their bodies must come in one message.
        settings: Reads the section `serve` of params.yaml; called once, when the first request comes.
    """

    def __init__(self, app: ASGIApp, settings: Callable[[], Mapping[str, Any]]) -> None:
        self.app = app
        self.settings = settings
        self.running = Counter[str]()
        self._limits: Mapping[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 429 with Retry-After."""
        slots = _slots_of(scope) if scope["type"] == "http" else ""
        if not slots:
            await self.app(scope, receive, send)
            return
        self._limits = self._limits or self.settings()
        if self.running[slots] >= self._limits["max_concurrency"]:
            sentence = f"{self.running[slots]} requests are being answered: try again."
            await refusal(429, sentence, {"Retry-After": str(RETRY_AFTER_S)})(scope, receive, send)
            return
        self.running[slots] += 1
        try:
            await self._watched(scope, receive, send)
        finally:
            self.running[slots] -= 1

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(time.monotonic() + self._limits["deadline_s"])
        bodies = [await receive()]
        ended = asyncio.Event()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            call.gone.set()
            ended.set()

        async def replay() -> Message:
            if bodies:
                return bodies.pop()
            await ended.wait()
            return {"type": "http.disconnect"}

        CURRENT.set(call)
        watching = asyncio.create_task(watch())
        try:
            await self.app(scope, replay, send)
        finally:
            watching.cancel()


def _slots_of(scope: Scope) -> str:
    """Chooses the limit that a request counts towards; empty for a page or the service's health."""
    if scope["path"].startswith(("/people/", "/erasures")):
        return "people"
    if scope["method"] != "POST":
        return ""
    return {"/feedback": "feedback", "/plan": "plan"}.get(scope["path"], "model")
