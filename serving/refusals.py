"""Refusals: errors that end a request with a status and one sentence, and the request that carries them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus

from bentoml.exceptions import BentoMLException, InvalidArgument
from starlette.responses import JSONResponse


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


class NoAnswer(BentoMLException):
    """The service cannot answer now.

    BentoML (1.4) hides the sentence of an error from 500 on, so the call carries it to the middleware.
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


class Gone(BentoMLException):
    """The person was erased; answered with 410."""

    error_code = HTTPStatus.GONE


class Conflict(BentoMLException):
    """The id belongs to other feedback; answered with 409."""

    error_code = HTTPStatus.CONFLICT


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Builds the answer to a request that middleware refuses, in the form that BentoML gives to its own.

    Args:
        sentence: What was wrong, the value, and what to do.
    """
    return JSONResponse({"error": sentence}, status, headers)


def check_rating(field: str, rating: float | None, value_range: tuple[float, float] | None) -> None:
    """Refuses a rating beyond a scale; a release from before 0.3.0 has no scale, and takes any.

    Raises:
        InvalidArgument: The rating lies outside of the range.
    """
    if rating is None or value_range is None:
        return
    low, high = value_range
    if not low <= rating <= high:
        raise InvalidArgument(f"{field} {rating} is not from {low:g} to {high:g}: send one on that scale.")
