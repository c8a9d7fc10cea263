"""What the service changes of its servers: slow clients, the end on SIGTERM, and what goes into the log.

uvicorn (0.54) would wait without an end for clients that send a request or read its answer slowly, and
BentoML (1.4) offers no way to choose a protocol. So `DeadlineProtocol` replaces the default in the table in
which uvicorn looks. On SIGTERM uvicorn finishes its requests and closes its socket, but BentoML's parent
process holds that socket, too: a new connection would be made, wait for the last answer and then break off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from http import HTTPStatus
from types import FrameType

import psutil
from bentoml.exceptions import BentoMLException
from pydantic import ValidationError
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.refusals import NoAnswer

AT_ONCE = 2_000_000  # letters of the log
A_SECOND = 1_000  # letters of the log on average, which are 90 MB a day
_FIXED = 200  # letters of a line beside its message: time, level, trace
_OF_APIS = "bentoml._internal.server.http_app"  # what BentoML (1.4) logs the errors of its APIs with
_PEOPLE = "/people/"  # path before an id


def end_slow_clients() -> None:
    """Makes servers that uvicorn starts in this process from now on use `DeadlineProtocol`."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{DeadlineProtocol.__name__}"


class DeadlineProtocol(H11Protocol):
    """A connection that is broken off if its client is too slow; uvicorn itself ends it between requests.

    Attributes:
        request_s: Seconds from the first byte of a request, or from the connection, to the last byte.
        answer_s: Seconds from there until the answer was read; `serve.deadline_s` is 28 at most.
    """

    request_s = 10
    answer_s = 60
    _end: asyncio.TimerHandle | None = None
    _limit_s = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time limit of the first request."""
        super().connection_made(transport)
        self._wait(self.request_s)

    def data_received(self, data: bytes) -> None:
        """Takes the data.

        Limits the wait for the rest of the request or, once it is whole, for the answer.
        """
        super().data_received(data)
        is_whole = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        self._wait(self.answer_s if is_whole else self.request_s)

    def on_response_complete(self) -> None:
        """Ends the time limit after an answer, unless the next request has already arrived."""
        self._wait(0)
        super().on_response_complete()
        if not self.cycle.response_complete:
            self._wait(self.answer_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time limit."""
        self._wait(0)
        super().connection_lost(exc)

    def _wait(self, limit_s: int) -> None:
        """Sets the time limit in seconds, 0 for none; a running limit of the same length goes on."""
        if limit_s == self._limit_s:
            return
        if self._end:
            self._end.cancel()
        self._limit_s = limit_s
        self._end = self.loop.call_later(limit_s, self.transport.abort) if limit_s else None


def refuse_new_connections_on_sigterm() -> None:
    """Makes SIGTERM close the listening sockets in all processes, before the server's own handler runs.

    It changes nothing where SIGTERM has no handler in this thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    end = signal.getsignal(signal.SIGTERM)
    if not callable(end):
        return

    def handle(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError, psutil.Error):  # then it ends as it would without this
            _close_listening_sockets()
        end(number, frame)

    signal.signal(signal.SIGTERM, handle)


def _close_listening_sockets() -> None:
    """Stops listening; a server that is started later on the same sockets can listen again."""
    for connection in psutil.Process().net_connections("inet"):
        if connection.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(connection.fd)) as listening:
                listening.shutdown(socket.SHUT_RDWR)


def filter_logs() -> None:
    """Adds the filters to BentoML's loggers, and the budget to all handlers that there are now."""
    logging.getLogger("bentoml.access").addFilter(_without_id)
    logging.getLogger(_OF_APIS).addFilter(_in_one_line)
    budget = LogBudget()
    for handler in {*logging.getLogger("bentoml").handlers, *logging.getLogger().handlers}:
        handler.addFilter(budget)


class LogBudget(logging.Filter):
    """Drops lines beyond a budget, and adds to the next line how many.

    Warnings have a budget of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        full = float(AT_ONCE), 0, time.monotonic()
        self._budgets = {False: full, True: full}  # letters left, lines left out, and when that was so

    def filter(self, record: logging.LogRecord) -> bool:
        """Decides whether a record is written."""
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        is_warning = record.levelno > logging.INFO
        letters, lines, since = self._budgets[is_warning]
        now = time.monotonic()
        letters = min(AT_ONCE, letters + (now - since) * A_SECOND)
        rest = letters - _FIXED - len(record.getMessage()) - len(record.exc_text or "")
        if rest < 0:
            self._budgets[is_warning] = letters, lines + 1, now
            return False
        self._budgets[is_warning] = rest, 0, now
        if lines:
            record.msg = f"({lines} lines were left out) {record.msg}"
        return True


def _without_id(record: logging.LogRecord) -> bool:
    """Removes the id from a line of BentoML's access log."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{part.partition(_PEOPLE)[0]}{_PEOPLE}…" if isinstance(part, str) and _PEOPLE in part else part
            for part in record.args
        )
    return True


def _in_one_line(record: logging.LogRecord) -> bool:
    """Replaces the traceback of a refusal, which would repeat the body, by one line; of INFO below 500.

    Args:
        record: The record; the record of an unexpected error stays as it is.

    Returns:
        Whether the record is logged.
    """
    status = _refused_with(record.exc_info[1] if record.exc_info else None)
    if not status:
        return True
    record.msg, record.args = f"{record.msg}: refused with %d", (*_arguments(record), status)
    record.exc_info = record.exc_text = None
    record.levelno = logging.WARNING if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    record.levelname = logging.getLevelName(record.levelno)
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


def _refused_with(error: BaseException | None) -> int:
    """Finds the status of a refusal, or of an answer that the service cannot give now; 0 for other errors."""
    if isinstance(error, ValidationError):
        return HTTPStatus.BAD_REQUEST
    is_ours = isinstance(error, NoAnswer)
    if isinstance(error, BentoMLException) and (
        is_ours or error.error_code < HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return int(error.error_code)
    return 0


def _arguments(record: logging.LogRecord) -> tuple[object, ...]:
    return record.args if isinstance(record.args, tuple) else ()
