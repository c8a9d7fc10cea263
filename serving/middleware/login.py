"""ASGI middleware that decides who may call the service.

Where other machines can reach the service, callers must send its token. Where only this machine can, they
need no token, but must address the service by a name of this machine: a page from elsewhere may give its own
host name the address 127.0.0.1 (DNS rebinding). The browser then treats the service as part of that page,
which may read and erase people; only the header Host reveals it. Starlette's TrustedHostMiddleware does not
fit: it answers 400 in plain text, and also checks the host where a token is needed and any name will do.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path

import psutil
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.refusals import refusal

TOKEN_FILE = "PALATE_TOKEN_FILE"  # noqa: S105  # variable that names the file
NEEDS_TOKEN = "palate.needs_token"  # noqa: S105  # key of a request's scope
OPEN = {"/livez", "/readyz", "/healthz", "/metrics"}  # what a cluster asks; nothing in them is anybody's
_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d*)?", re.IGNORECASE | re.ASCII)


class Door(Enum):
    """What a caller must send."""

    TOKEN = "the service's token"  # noqa: S105
    HOST = "this machine's name"
    NOTHING = "nothing"


def token() -> str:
    """Reads the token in the file that PALATE_TOKEN_FILE names; empty where it cannot be read."""
    try:
        return _token_file().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _token_file() -> Path:
    return Path(os.environ.get(TOKEN_FILE, ""))


def door(setting: str) -> Door:
    """Decides what callers must send, by where this process listens.

    Args:
        setting: `serve.token` of params.yaml: `auto`, `always` or `never`.
    """
    if setting == "always":
        return Door.TOKEN
    if not _listens_beyond_this_machine():
        return Door.HOST
    return Door.TOKEN if setting == "auto" else Door.NOTHING


def why_locked(setting: str) -> str | None:
    """Explains why nobody can call the service; None where somebody can."""
    if door(setting) is not Door.TOKEN or token():
        return None
    try:
        _token_file().read_text(encoding="utf-8")
    except (PermissionError, UnicodeDecodeError):
        return (
            f"user {os.getuid()} cannot read the token in '{_token_file()}': write it as text, and let that "
            "user read it, in Kubernetes by the pod's fsGroup and the Secret's defaultMode 0440"
        )
    except OSError:  # there is no such file
        pass
    return (
        f"serve.token is {setting} and {TOKEN_FILE} names no file with a token: give it one, or let the "
        "service listen on 127.0.0.1"
    )


def _listens_beyond_this_machine() -> bool:
    """Tells whether a socket of this process takes connections from elsewhere; true where that is unknown."""
    try:
        connections = psutil.Process().net_connections("inet")
    except psutil.Error:
        return True
    listening = [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]
    return not all(ipaddress.ip_address(address).is_loopback for address in listening)


class Login:
    """Middleware that answers 401 to requests without the token, or 421 to requests for another host.

    Args:
        app: Application that receives the other requests.
        setting: Reads `serve.token` of params.yaml; called once, when the first request comes.
        open_paths: Paths that need no token.
    """

    def __init__(self, app: ASGIApp, setting: Callable[[], str], open_paths: Collection[str]) -> None:
        self.app = app
        self.setting = setting
        self.open_paths = open_paths
        self.door: Door | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it before its body is read."""
        if scope["type"] != "http":  # the server's own start and end; then it may not listen yet
            await self.app(scope, receive, send)
            return
        self.door = self.door or door(self.setting())
        scope[NEEDS_TOKEN] = self.door is Door.TOKEN
        await (self._why_not(self.door, scope) or self.app)(scope, receive, send)

    def _why_not(self, needed: Door, scope: Scope) -> Response | None:
        """Builds the refusal of a request; None where the request may pass."""
        headers = Headers(scope=scope)
        if needed is Door.TOKEN and scope["path"] not in self.open_paths and not _is_ours(headers):
            sentence = "Send the service's token: Authorization: Bearer TOKEN."
            return refusal(401, sentence, {"WWW-Authenticate": "Bearer"})
        hosts = headers.getlist("host")
        if needed is Door.HOST and not (len(hosts) == 1 and _THIS_MACHINE.fullmatch(hosts[0])):
            sentence = (
                f"The host is {', '.join(hosts)[:100]!r}: ask this service at localhost, 127.0.0.1 or [::1], "
                "or set serve.token to always, with which it goes by any name."
            )
            return refusal(421, sentence)
        return None


def _is_ours(headers: Headers) -> bool:
    expected, sent = token(), headers.get("authorization", "")
    return bool(expected) and hmac.compare_digest(sent.encode(), f"Bearer {expected}".encode())
