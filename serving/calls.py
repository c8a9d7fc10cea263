"""ASGI middleware that limits how many requests run at once, and ends model work that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from bentoml.exceptions import BentoMLException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.refusals import refusal

RETRY_AFTER_S = 2


class NoAnswer(BentoMLException):
    """The service cannot answer now.

    BentoML (1.4) hides the sentence of an error from 500 on, so the call carries it to `serving.sentences`.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        call = CURRENT.get()
        if call:
            call.sentence = sentence


class Unavailable(NoAnswer):
    """Something that the answer needs is missing; answered with 503."""

    error_code = HTTPStatus.SERVICE_UNAVAILABLE


class NobodyWaits(NoAnswer):
    """The client went away, or the request's time is over; answered with 504."""

    error_code = HTTPStatus.GATEWAY_TIMEOUT


class ComeAgain(BentoMLException):
    """More requests came than are accepted now; answered with 429 and Retry-After."""

    error_code = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, sentence: str, after_s: int) -> None:
        super().__init__(sentence)
        call = CURRENT.get()
        if call:
            call.retry_after_s = after_s


@dataclass
class Call:
    """A request whose body has arrived.

    Attributes:
        deadline: Moment at which work on the request ends, seconds on the monotonic clock.
        gone: Set when the client went away.
        sentence: Why the service cannot answer; empty while it can.
        retry_after_s: Seconds after which a refused request may be sent again; 0 if it was not refused.
    """

    deadline: float
    gone: threading.Event = field(default_factory=threading.Event)
    sentence: str = ""
    retry_after_s: int = 0

    def must_go_on(self) -> None:
        """Checks between two batches of model work that the answer is still wanted.

        Raises:
            NobodyWaits: The client went away, or the deadline has passed.
        """
        if self.gone.is_set():
            raise NobodyWaits("The client went away.")
        if time.monotonic() > self.deadline:
            raise NobodyWaits("The request took too long: send fewer dishes, or the same again.")


CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


def must_go_on() -> None:
    """Calls `Call.must_go_on` of the request that this thread or task works for, if there is one."""
    call = CURRENT.get()
    if call:
        call.must_go_on()


class Calls:
    """Middleware that answers 429 to requests above the limit, and watches whether a client is still there.

    There are three limits of their own: for requests that need the model, for feedback, and for reading or
    erasing people. While one of them is reached, requests of the other two are still answered.

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
    return "feedback" if scope["path"] == "/feedback" else "model"
