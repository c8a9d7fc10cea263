"""Alarms about a night or a release, wherever it runs: on a schedule, by hand or by cron."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException

from prefect.runtime import deployment

from components.domain.errors import PalateError
from components.domain.params import Params
from components.domain.params_file import read_yaml
from components.files import sentence_of
from components.integrations import alarms
from components.integrations.model_registry.runs import KILLED
from flows.environment import REPO, STATE
from flows.steps import last_run, unfinished
from flows.steps.lock import Busy
from flows.steps.night import Night
from flows.steps.registration import Registered

logger = logging.getLogger(__name__)
FILE = STATE / "alarms.jsonl"
ALARMED = "an alarm was raised"  # note on an error, which may pass a night and then its command
LAST_GOOD = STATE / "last-good-night"  # an empty file whose time is that of its end
ADDRESSES, DEAD_MAN = "PALATE_ALARM_ADDRESSES", "PALATE_DEAD_MAN"  # variables for those that hold a secret


def raise_alarm(kind: str, sentence: str) -> None:
    """Tells the people whom `alarms.addresses` and PALATE_ALARM_ADDRESSES name, at most once in a day."""
    addresses = (*_addresses(), *os.environ.get(ADDRESSES, "").split())
    alarms.send(kind, sentence, FILE, addresses)


def _addresses() -> list[str]:
    """Reads `alarms.addresses` alone from params.yaml, since an alarm may be about the rest of the file."""
    try:
        addresses = read_yaml(REPO / "params.yaml")["alarms"]["addresses"]
    except (PalateError, LookupError, TypeError):
        return []
    listed = addresses if isinstance(addresses, list) else []
    return [address for address in listed if isinstance(address, str)]


@contextlib.contextmanager
def if_it_fails(activity: str) -> Iterator[None]:
    """Raises an alarm if the block fails or is stopped; nested blocks raise only one.

    Args:
        activity: `night` or `release`.
    """
    try:
        yield
    except Busy as error:
        if activity == "night" and deployment.name:  # a scheduled one; who starts one by hand reads it
            raise_alarm("night skipped", str(error))
        raise
    except BaseException as error:
        if not _has_alarm(error):
            raise_alarm(*_alarm_of(activity, error))
            error.add_note(ALARMED)
        raise


def _has_alarm(error: BaseException | None) -> bool:
    """Tells whether an alarm was raised for an error or for its cause."""
    return error is not None and (ALARMED in getattr(error, "__notes__", ()) or _has_alarm(error.__cause__))


def _alarm_of(activity: str, error: BaseException) -> tuple[str, str]:
    """Chooses the alarm's kind and sentence for an error."""
    if not isinstance(error, Exception):
        return f"{activity} stopped", f"The {activity} was stopped before its end: run it again."
    if isinstance(error, OSError):
        sentence = sentence_of(error)
    else:
        sentence = str(error) if isinstance(error, PalateError) else f"{type(error).__name__}: {error}"
    return f"{activity} failed", sentence


def after_a_good_night(params: Params, night: Night, registered: Registered) -> None:
    """Raises alarms for what a good night leaves to people, and calls the dead-man URL."""
    if registered.new and registered.passed and registered.champion != registered.version:
        raise_alarm(
            "a version waits",
            f"Version {registered.version} passed the gate: give it the alias champion, or leave it.",
        )
    if night.unchanged_days >= params.check.max_unchanged_days:
        raise_alarm(
            "nothing new",
            f"The inbox {params.collect.inbox} has brought nothing for {night.unchanged_days} days.",
        )
    check_disk(params)
    LAST_GOOD.touch()
    address = os.environ.get(DEAD_MAN, params.alarms.dead_man)
    if address:
        try:
            alarms.call(address)
        except (OSError, ValueError, HTTPException) as error:  # not reached, or no URL at all
            logger.warning("the dead-man URL was not reached: %s", error)


def last_good_night() -> datetime | None:
    """Reads when the last good night ended, in UTC; None before the first."""
    return datetime.fromtimestamp(LAST_GOOD.stat().st_mtime, UTC) if LAST_GOOD.exists() else None


def check_disk(params: Params) -> None:
    """Raises an alarm if the disk of the state has less room than `alarms.min_free_gb`."""
    free = shutil.disk_usage(STATE).free / 1e9
    if free < params.alarms.min_free_gb:
        raise_alarm(
            "little disk", f"The disk of {params.up.state} has less than {params.alarms.min_free_gb:g} GB."
        )


def look_back(params: Params) -> None:
    """Raises alarms that a night cannot raise itself: it was killed, or none ended well for too long."""
    began = last_run.killed()
    if began:
        raise_alarm("night killed", f"The night of {began} was killed: run it again.")
        unfinished.end(KILLED)
    if params.alarms.late_h and LAST_GOOD.exists():
        if LAST_GOOD.stat().st_mtime > time.time():  # the clock was moved back: it counts from now
            LAST_GOOD.touch()
        last = last_good_night()
        if last and datetime.now(UTC) - last > timedelta(hours=params.alarms.late_h):
            raise_alarm("night late", f"No night has ended well since {last:%Y-%m-%d %H:%M} UTC.")
    check_disk(params)
