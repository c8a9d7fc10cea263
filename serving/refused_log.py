"""A filter of BentoML's log that makes one line of a refused request, without what was sent."""

from __future__ import annotations

import logging
from http import HTTPStatus

from bentoml.exceptions import BentoMLException
from pydantic import ValidationError

from serving.calls import NoAnswer

LOGGER = "bentoml._internal.server.http_app"  # what BentoML (1.4) logs the errors of its APIs with


def in_one_line(record: logging.LogRecord) -> bool:
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
