"""ASGI middlewares that read a request's path: one counts by it, one makes a line of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics

OTHER = "other"  # label of all paths that the service does not have


class Requests:
    """Middleware that counts each request under the path that it belongs to, and all unknown paths as one.

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


class OneLine:
    """Middleware for Starlette's routes, which would not match a path with a line break.

    Handlers read ids from the path as it was sent.

    Args:
        app: Application that routes by `path`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with a path of one line."""
        if "\n" in scope.get("path", ""):
            scope = {**scope, "path": scope["path"].replace("\n", " ")}
        await self.app(scope, receive, send)
