"""ASGI middleware: where only this machine can ask, and brings no token, it asks by this machine's name.

A page from elsewhere may give its own name the address 127.0.0.1 (DNS rebinding). For the browser the service
is then part of that page, which may read and erase people; only the header Host tells. Starlette's
TrustedHostMiddleware answers 400 in plain text, and compares also where a token is needed, behind any name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.login import is_open_to_this_machine_alone

_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d*)?", re.IGNORECASE | re.ASCII)


class Hosts:
    """Middleware that answers 421 to whoever asks for another host.

    Args:
        app: Application that receives the other requests.
        mode: Gives the setting `serve.token`; asked once, when the first request comes.
    """

    def __init__(self, app: ASGIApp, mode: Callable[[], str]) -> None:
        self.app = app
        self.mode = mode
        self.is_strict: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 421 before its body is read."""
        if scope["type"] != "http":  # the server's own start and end; then it may not listen yet
            await self.app(scope, receive, send)
            return
        if self.is_strict is None:
            self.is_strict = is_open_to_this_machine_alone(self.mode())
        hosts = Headers(scope=scope).getlist("host")
        if not self.is_strict or (len(hosts) == 1 and _THIS_MACHINE.fullmatch(hosts[0])):
            await self.app(scope, receive, send)
            return
        sentence = (
            f"The host is {', '.join(hosts)[:100]!r}: ask this service at localhost, 127.0.0.1 or [::1], or "
            "set serve.token to always, with which it goes by any name."
        )
        await JSONResponse({"error": sentence}, 421)(scope, receive, send)
