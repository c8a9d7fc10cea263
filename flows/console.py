"""What a person sees while a night runs: our failures without tracebacks, a stage's lines as they come."""

from __future__ import annotations

import logging
import sys

from components.domain.errors import PalateError
from components.stages.paths import ERROR_PREFIX

_PREFECT_LOGGERS = ("", "prefect", "prefect.flow_runs", "prefect.task_runs")


class _OursWithoutTraceback(logging.Filter):
    """Prefect logs every exception of a run with its traceback; ours are meant to be read, not debugged."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, PalateError) and not str(record.msg).startswith("Finished in state")


def leave_out_tracebacks() -> None:
    """Keeps our own exceptions out of Prefect's console log; the sentence is printed once, at the end."""
    for name in _PREFECT_LOGGERS:
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_OursWithoutTraceback())


def say(text: str) -> None:
    """A result, on stdout."""
    print(text, flush=True)


def show(line: str) -> None:
    """One line of a stage on stderr, unless it is the sentence that the end of the night will say."""
    if not line.startswith(ERROR_PREFIX):
        print(line, file=sys.stderr, flush=True)
