"""Watermarks of a database: the latest time in a table's column, and from when the next reading goes on."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from components.domain.errors import BadParams, DataRejected
from components.domain.preferences.limits import CLOCK_SKEW

logger = logging.getLogger(__name__)
TEXT = "text:"  # before a watermark whose column holds texts
NO_TIME = "1"  # texts that stand before it, such as '' or '0000-00-00', are no times
_DAY = len("2026-01-01")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
OVERLAP = timedelta(hours=48)  # by which a reading begins before its watermark, for rows that came late


def highest(setting: str, column: str, values: Iterable[Any], latest: datetime) -> str:
    """Finds the latest time of a column, as ISO 8601 or as its own text after TEXT; empty without any.

    Args:
        setting: That names the column, for messages.
        column: Its name.
        values: Of the rows that were read.
        latest: A later time is an error of whoever wrote it, and must not end the reading of new rows.

    Raises:
        BadParams: The column has values, and none is a time.
    """
    times, others, far = list[tuple[datetime, Any]](), list[Any](), list[Any]()
    for value in values:
        moment = _moment(value)
        if moment is not None:
            (far if _is_far(value, moment, latest) else times).append((moment, value))
        elif value is not None:
            others.append(value)
    if others and not times and not far:
        raise BadParams(
            f"{setting} names '{column}', which holds no times ({others[0]!r}): name one that does."
        )
    _warn(setting, column, others, "no times: their rows are read, and they move no watermark")
    after = f"times after {latest:%Y-%m-%d %H:%M} UTC: they move no watermark"
    _warn(setting, column, [value for _, value in far], after)
    if not times:
        return ""
    _, value = max(times, key=lambda entry: entry[0])
    return TEXT + value if isinstance(value, str) else str(value.isoformat())


def begin_of(setting: str, since: str, latest: datetime) -> datetime | str | None:
    """Computes from when a reading goes on, as a time or a text, as the column has; None for all rows.

    Args:
        setting: That names the column, for messages.
        since: The watermark of the reading before; empty without one.
        latest: As for `highest`; a watermark of an earlier release may lie after it.

    Raises:
        DataRejected: The watermark is no time.
    """
    if not since:
        return None
    text = since.removeprefix(TEXT)
    moment = _moment(text)
    if moment is None:
        raise DataRejected(
            f"The stored watermark of {setting} is '{since}', which is no time: remove "
            "data/events/watermarks.json, and all rows are read again; those of before are duplicates."
        )
    if _is_far(datetime.fromisoformat(text), moment, latest):
        logger.warning("%s: the stored watermark %s lies in the future: all rows are read", setting, text)
        return None
    return _earlier(text, is_text=since.startswith(TEXT))


def _earlier(text: str, *, is_text: bool) -> datetime | str:
    moment = datetime.fromisoformat(text)
    try:
        moment -= OVERLAP
    except OverflowError:  # the year 1
        moment = datetime.min.replace(tzinfo=moment.tzinfo)
    if not is_text:
        return moment
    if "-" not in text[:_DAY]:  # 20260101T120000: from the day's begin on, which is a little more
        return moment.date().isoformat().replace("-", "")
    return moment.date().isoformat() if len(text) == _DAY else moment.isoformat(sep=text[_DAY])


def _moment(value: Any) -> datetime | None:
    """Converts a value to a moment, in UTC without an offset; None where it is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if _DATE.match(value) else None
        except ValueError:
            return None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _is_far(value: Any, moment: datetime, latest: datetime) -> bool:
    has_offset = isinstance(value, datetime) and value.tzinfo is not None
    return moment > (latest if has_offset else latest + CLOCK_SKEW)


def _warn(setting: str, column: str, values: list[Any], what: str) -> None:
    if values:
        logger.warning(
            "%s: %d values of '%s', such as %r, are %s", setting, len(values), column, values[0], what
        )
