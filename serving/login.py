"""ASGI middleware: who asks the service must bring its token, unless it listens on this machine alone."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Callable
from pathlib import Path

import psutil
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN_FILE = "PALATE_TOKEN_FILE"  # noqa: S105  # variable that names the file
NEEDS_TOKEN = "palate.needs_token"  # noqa: S105  # key of a request's scope
OPEN = {"/livez", "/readyz", "/healthz", "/metrics"}  # what a cluster asks; nothing in them is anybody's


def token() -> str:
    """The token in the file that PALATE_TOKEN_FILE names; empty where there is none."""
    path = Path(os.environ.get(TOKEN_FILE, ""))
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:  # there is none, or its rights keep it from this user
        return ""


def is_needed(mode: str) -> bool:
    """Whether callers must bring the token.

    Args:
        mode: The setting `serve.token`: `auto`, `always` or `never`.
    """
    return mode == "always" or (mode == "auto" and _listens_beyond_this_machine())


def is_open_to_this_machine_alone(mode: str) -> bool:
    """Whether callers need no token and are all on this machine.

    Args:
        mode: As above.
    """
    return mode != "always" and not _listens_beyond_this_machine()


def why_locked(mode: str) -> str | None:
    """Why nobody can ask the service; None where somebody can."""
    if not is_needed(mode) or token():
        return None
    return (
        f"serve.token is {mode} and {TOKEN_FILE} names no file with a token: give it one, or let the service "
        "listen on 127.0.0.1"
    )


def _listens_beyond_this_machine() -> bool:
    """Whether a socket of this process takes connections from elsewhere; true where that cannot be seen."""
    try:
        connections = psutil.Process().net_connections("inet")
    except psutil.Error:
        return True
    listening = [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]
    return not all(ipaddress.ip_address(address).is_loopback for address in listening)


class Login:
    """Middleware that answers 401 to whoever lacks the token.

    Args:
        app: Application that receives the other requests.
        mode: Gives the setting `serve.token`; asked once, when the first request comes.
    """

    def __init__(self, app: ASGIApp, mode: Callable[[], str]) -> None:
        self.app = app
        self.mode = mode
        self.is_needed: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 401 before its body is read."""
        if scope["type"] != "http":  # the server's own start and end; then it may not listen yet
            await self.app(scope, receive, send)
            return
        if self.is_needed is None:
            self.is_needed = is_needed(self.mode())
        scope[NEEDS_TOKEN] = self.is_needed
        if not self.is_needed or scope["path"] in OPEN or _is_ours(scope):
            await self.app(scope, receive, send)
            return
        sentence = "Send the service's token: Authorization: Bearer TOKEN."
        refusal = JSONResponse({"error": sentence}, 401, {"WWW-Authenticate": "Bearer"})
        await refusal(scope, receive, send)


def _is_ours(scope: Scope) -> bool:
    expected, sent = token(), Headers(scope=scope).get("authorization", "")
    return bool(expected) and hmac.compare_digest(sent.encode(), f"Bearer {expected}".encode())
