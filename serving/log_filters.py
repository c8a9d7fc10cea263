"""Filters of the service's log: of bounded size, and without anything that callers sent or are called."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from bentoml.exceptions import BentoMLException
from pydantic import ValidationError

from serving.refusals import NoAnswer

AT_ONCE = 2_000_000  # letters
A_SECOND = 1_000  # letters on average, which are 90 MB a day
_FIXED = 200  # letters of a line beside its message: time, level, trace
_OF_APIS = "bentoml._internal.server.http_app"  # what BentoML (1.4) logs the errors of its APIs with
_PEOPLE = "/people/"  # path before an id


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
