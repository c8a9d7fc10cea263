"""The terminal while a flow runs: PalateErrors without traceback, and a stage's lines as it writes them."""

from __future__ import annotations

import logging
import sys

from httpx import HTTPError

from components.domain.errors import PalateError
from components.stages.paths import ERROR_PREFIX

_PREFECT_LOGGERS = ("", "prefect", "prefect.flow_runs", "prefect.task_runs")


class _WithoutPalateErrors(logging.Filter):
    """Drops Prefect's records of a final state, and of tracebacks of errors that end as one sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not _ends_as_sentence(error) and not str(record.msg).startswith("Finished in state")


def _ends_as_sentence(error: BaseException | None) -> bool:
    """Tells whether an error is reported as one sentence at the end of the flow, as those of MLflow are."""
    of_a_server = type(error).__module__.startswith(("mlflow.", "sqlalchemy."))
    return isinstance(error, PalateError | OSError | HTTPError) or of_a_server


def leave_out_tracebacks() -> None:
    """Keeps tracebacks of PalateErrors out of Prefect's console log.

    Their sentence is printed once, at the end. A log that Prefect's server does not take is lost in silence.
    """
    logging.raiseExceptions = False
    for name in _PREFECT_LOGGERS:
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_WithoutPalateErrors())


def say(text: str) -> None:
    """Prints a result on stdout."""
    print(text, flush=True)


def show(line: str) -> None:
    """Prints a line of a stage on stderr, except the line with its failure, which ends the night's output."""
    if not line.startswith(ERROR_PREFIX):
        print(line, file=sys.stderr, flush=True)
