"""Alarms about a night or a release, wherever it runs: on a schedule, by hand or by cron."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from prefect.runtime import deployment

from components.domain.errors import PalateError
from components.domain.params import Params
from components.domain.params_file import read_yaml
from components.files import sentence_of
from components.integrations import alarms
from flows.environment import REPO, STATE
from flows.lock import Busy

FILE = STATE / "alarms.jsonl"
ALARMED = "an alarm was raised"  # note on an error, which may pass a night and then its command
ADDRESSES = "PALATE_ALARM_ADDRESSES"  # variable for addresses that hold a secret


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
    return f"{activity} failed", sentence_on(error)


def sentence_on(error: Exception) -> str:
    """Explains any failure in one sentence."""
    if isinstance(error, OSError):
        return sentence_of(error)
    return str(error) if isinstance(error, PalateError) else f"{type(error).__name__}: {error}"


def check_disk(params: Params) -> None:
    """Raises an alarm if the disk of the state has less room than `alarms.min_free_gb`."""
    free = shutil.disk_usage(STATE).free / 1e9
    if free < params.alarms.min_free_gb:
        raise_alarm(
            "little disk", f"The disk of {params.up.state} has less than {params.alarms.min_free_gb:g} GB."
        )
