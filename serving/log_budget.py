"""Bounds the size of a service's log, however often it is called and wherever the log goes."""

from __future__ import annotations

import logging
import time

AT_ONCE = 2_000_000  # letters
A_SECOND = 1_000  # letters on average, which are 90 MB a day
_FIXED = 200  # letters of a line beside its message: time, level, trace


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
