"""Apprise: sends alarms to a file of this clone and to the addresses that its user names."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apprise

from components.domain.records import Moment
from components.files import in_form, replace_text, sentence_of

logger = logging.getLogger(__name__)
AGAIN_AFTER = timedelta(hours=20)  # less than a day, so that what fails every night is sent every night
MOST = 1000  # alarms that the file holds
_TIMEOUT_S = 10


@dataclass(frozen=True)
class Alarm:
    """A warning that a person should see.

    Attributes:
        at: Moment of the alarm, ISO 8601, UTC.
        kind: A few words, the same for all alarms of a kind; docs/runbook.md has a line on each.
        sentence: What is wrong, and what to do.
    """

    at: Moment
    kind: str
    sentence: str


def alarms(file: Path) -> list[Alarm]:
    """Reads the alarms in a file, oldest first; skips lines that are not alarms.

    Raises:
        OSError: The file cannot be read.
    """
    result = []
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if file.exists() else ():
        try:
            result.append(in_form(Alarm, json.loads(line)))
        except (ValueError, RecursionError):
            continue
    return result


def send(kind: str, sentence: str, file: Path, addresses: Sequence[str]) -> bool:
    """Writes an alarm to the file and sends it, unless the same alarm was sent within AGAIN_AFTER.

    If an address cannot be reached, that is logged without the address itself, and the others are still
    tried. If the file cannot be written, the alarm is sent all the same.

    Args:
        file: File of this clone's alarms.
        addresses: URLs of Apprise.

    Returns:
        Whether the alarm was new.
    """
    now, earlier = datetime.now(UTC), _earlier(file)
    same = [alarm for alarm in earlier if (alarm.kind, alarm.sentence) == (kind, sentence)]
    if same and abs(now - datetime.fromisoformat(same[-1].at)) < AGAIN_AFTER:  # the clock may have moved
        return False
    alarm = Alarm(now.isoformat(timespec="seconds"), kind, sentence)
    lines = (json.dumps(asdict(each)) for each in (*earlier[-MOST + 1 :], alarm))
    try:
        replace_text(file, "".join(f"{line}\n" for line in lines))
    except OSError as error:  # a full disk, say, of which people must be told all the more
        logger.warning("the alarm '%s' could not be written (%s): %s", kind, sentence_of(error), sentence)
    for number, address in enumerate(addresses, 1):
        service = apprise.Apprise()
        if not service.add(address):
            logger.warning("alarm address %d is no URL of Apprise: mend alarms.addresses", number)
        elif not service.notify(sentence, title=f"Palate: {kind}", notify_type=apprise.NotifyType.WARNING):
            logger.warning("alarm address %d did not take the alarm '%s': %s", number, kind, sentence)
    return True


def _earlier(file: Path) -> list[Alarm]:
    """Reads the alarms in a file; empty if that fails, so that the new alarm is sent in any case."""
    try:
        return alarms(file)
    except OSError as error:
        logger.warning("earlier alarms cannot be read: %s", sentence_of(error))
        return []


def call(address: str) -> None:
    """Calls the URL of a service that raises an alarm itself when nobody calls for long.

    Raises:
        OSError: The service does not answer with success.
        ValueError: The address is not a URL.
        HTTPException: The URL cannot be called, or the answer is not HTTP.
    """
    urllib.request.urlopen(address, timeout=_TIMEOUT_S).close()  # noqa: S310 - an operator's own setting
