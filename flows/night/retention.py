"""What a night removes at its end, so that the disk does not fill up: what only old nights and runs need.

Whatever champion, challenger, the release or a step back needs stays. Every removal is logged.
"""

from __future__ import annotations

import logging
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import PalateError
from components.domain.params import Params
from components.integrations import bentos
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION, failures_as_sentences
from components.integrations.service_store import prune, size_of
from flows.alarms import raise_alarm
from flows.environment import STATE
from flows.last_night import last_good
from flows.night import old_nights
from flows.night.feedback import service_store
from flows.registry import registry
from flows.release import bento, delivery

logger = logging.getLogger(__name__)
LOGS = STATE / "logs"
DAY_S = 86_400
LARGE_STORE_GB = 5
MOST_OF_A_LOG = 20_000_000  # bytes; then its older half goes
LONG_PAUSE_DAYS = 7  # between two good nights; after so many or more a night removes nothing by its age


@task(cache_policy=NO_CACHE)
def make_room(params: Params) -> None:
    """Removes what the section `retention` says; a failed removal raises an alarm and ends nothing else."""
    try:
        by_age = not _clock_may_be_ahead()
        with failures_as_sentences():
            needed = _needed_versions(params)
            _remove_bentos(params, needed)
            old_nights.remove_images(params)
            old_nights.remove_copies(params, needed)
            old_nights.remove_runs(params, needed, by_age=by_age)
        if by_age:
            old_nights.remove_flow_runs(params)
            _remove_leftovers()
            _remove_answers(params)
        _shorten_logs()
    except (OSError, PalateError, httpx.HTTPError) as error:
        raise_alarm("no room made", f"What is old could not be removed: {error}")


def _clock_may_be_ahead() -> bool:
    """Tells whether the last good night is so long ago that the clock may be wrong; raises an alarm then."""
    last = last_good()
    days = (datetime.now(UTC) - last).days if last else 0
    if last is None or days < LONG_PAUSE_DAYS:
        return False
    raise_alarm(
        "long pause",
        f"The last good night ended at {last:%Y-%m-%d %H:%M} UTC, {days} days ago by this clock, so nothing "
        "was removed by its age tonight: set the clock right if it is ahead.",
    )
    return True


def _remove_bentos(params: Params, versions: set[str]) -> None:
    """Removes all Bentos but the needed and the newest ones, then the bases that no remaining Bento needs."""
    released = delivery.current()
    served = {bento.served(), released.bento if released else ""}
    unneeded = [
        tag
        for tag in bentos.newest_first(bento.SERVICE)
        if tag not in served and bento.promoted_version_of(tag) not in versions
    ]
    for tag in unneeded[params.retention.bentos :]:
        bento.remove(tag)
        logger.warning("retention: the Bento %s was removed; a release of it would build it anew", tag)
    for tag in bento.remove_unused_bases():
        logger.warning("retention: the base model %s was removed, which no Bento needs", tag)


def _needed_versions(params: Params) -> set[str]:
    """Collects the versions of champion, challenger, the release, and the release before it."""
    server, model, released = registry(), params.register_.model, delivery.current()
    versions = {server.alias(model, alias) for alias in (CHAMPION, CHALLENGER)}
    versions |= {released.version, released.previous} if released else set()
    return {version for version in versions if version}


def _remove_answers(params: Params) -> None:
    """Removes old answers of the service, and raises an alarm if its store is still large."""
    store, days = service_store(), max(params.retention.days, params.alarms.recall_days)
    if store is None:
        return
    count = prune(store.engine, datetime.now(UTC) - timedelta(days=days))
    if count:
        logger.warning(
            "retention: %d answers of the service that are older than %d days were removed", count, days
        )
    size = size_of(store.engine) / 1e9
    if size > LARGE_STORE_GB:
        raise_alarm(
            "large store",
            f"The service's store holds {size:.1f} GB, with answers of {days} days alone: look who asks.",
        )


def _remove_leftovers() -> None:
    """Removes temporary folders older than a day, which killed processes left."""
    for path in STATE.glob("tmp*"):
        if time.time() - path.stat().st_mtime > DAY_S:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
            logger.warning("retention: %s was removed, which a killed process had left", path.name)


def _shorten_logs() -> None:
    """Cuts the beginning off logs that are too long."""
    for path in LOGS.glob("*.log"):
        if path.stat().st_size > MOST_OF_A_LOG:
            _shorten(path, MOST_OF_A_LOG // 2)
            logger.warning("retention: the older half of %s was removed", path.name)


def _shorten(path: Path, size: int) -> None:
    with path.open("r+b") as file:  # in place, since a program appends to it
        file.seek(-size, 2)
        end = file.read()
        file.seek(0)
        file.write(end[end.find(b"\n") + 1 :])
        file.truncate()
