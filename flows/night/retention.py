"""What a night removes at its end, so that the disk does not fill up: what only old nights and runs need.

Whatever champion, challenger, the release or a step back needs stays. Every removal is logged.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowFilter, FlowRunFilter

from components.domain.errors import PalateError
from components.domain.params import Params
from components.integrations import bentos, data_versions, images
from components.integrations.model_registry import old_runs
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION, failures_as_sentences
from components.integrations.service_store import prune, size_of
from flows.alarms import raise_alarm
from flows.environment import REPO, STATE, owns
from flows.last_night import last_good
from flows.night.feedback import service_store
from flows.registry import registry, runs
from flows.release import bento, delivery

logger = logging.getLogger(__name__)
DAY_S = 86_400
LARGE_STORE_GB = 5
MOST_OF_A_LOG = 20_000_000  # bytes; then its older half goes
LONG_PAUSE_DAYS = 7  # between two good nights; after so many or more a night removes nothing by its age
FLOWS = ["nightly", "release"]  # names of the flows whose runs go
PAGE = 200  # the most runs that Prefect lists at once


@task(cache_policy=NO_CACHE)
def make_room(params: Params) -> None:
    """Removes what the section `retention` says; a failed removal raises an alarm and ends nothing else."""
    try:
        with failures_as_sentences():
            for sentence in _removals(params, by_age=not _clock_may_be_ahead()):
                logger.warning("retention: %s", sentence)
    except (OSError, PalateError, httpx.HTTPError) as error:
        raise_alarm("no room made", f"What is old could not be removed: {error}")


def _removals(params: Params, *, by_age: bool) -> Iterator[str]:
    """Removes one thing after another, and yields a sentence on each."""
    needed = _needed_versions(params)
    yield from _bentos(params, needed)
    yield from _images(params)
    yield from _copies(params, needed)
    yield from _runs(params, needed, by_age=by_age)
    if by_age:
        yield from _flow_runs(params)
        yield from _leftovers()
        yield from _answers(params)
    yield from _beginnings_of_logs()


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


def _needed_versions(params: Params) -> set[str]:
    """Collects the versions of champion, challenger, the release, and the release before it."""
    server, model, released = registry(), params.register_.model, delivery.current()
    versions = {server.alias(model, alias) for alias in (CHAMPION, CHALLENGER)}
    versions |= {released.version, released.previous} if released else set()
    return {version for version in versions if version}


def _bentos(params: Params, needed: Collection[str]) -> Iterator[str]:
    """Removes all Bentos but the needed and the newest ones, then the bases that no remaining Bento needs."""
    released = delivery.current()
    served = {bento.served(), released.bento if released else ""}
    unneeded = [
        tag
        for tag in bentos.newest_first(bento.SERVICE)
        if tag not in served and bento.promoted_version_of(tag) not in needed
    ]
    for tag in unneeded[params.retention.bentos :]:
        bento.remove(tag)
        yield f"the Bento {tag} was removed; a release of it would build it anew"
    for tag in bento.remove_unused_bases():
        yield f"the base model {tag} was removed, which no Bento needs"


def _images(params: Params) -> Iterator[str]:
    """Removes images of removed Bentos from the engine, but not from a registry, since pods may pull them."""
    engine, released = params.release.engine, delivery.current()
    if engine == "none":
        return
    staying = {*bentos.newest_first(bento.SERVICE), released.bento if released else ""}
    for name in images.names(engine, params.release.image):
        tag = f"{bento.SERVICE}:{name.rpartition(':')[2]}"
        if bento.promoted_version_of(tag) and tag not in staying:
            why_not = images.remove(engine, name)
            yield f"the image {name} {f'stays: {why_not}' if why_not else 'was removed'}"


def _copies(params: Params, needed: Collection[str]) -> Iterator[str]:
    """Removes data that only older nights name from DVC's cache and, if params say so, from its remote."""
    settings, versions = params.retention, registry().versions(params.register_.model)
    commits = {f"v{name}": tags.get("night_commit", "") for name, tags in versions.items() if name in needed}
    if data_versions.forget_copies(REPO, settings.nights, commits):
        yield f"what nights before the last {settings.nights} need left DVC's cache"
    nights = max(settings.nights, settings.remote_nights)
    if settings.remote_nights and data_versions.forget_copies(REPO, nights, commits, remote=True):
        yield f"what nights before the last {nights} need left DVC's remote, for good"
    data_versions.pack(REPO)


def _runs(params: Params, needed: Collection[str], *, by_age: bool) -> Iterator[str]:
    """Removes MLflow's runs and models of older nights; the rows of their versions stay."""
    before, tracking = data_versions.night_before(REPO, params.retention.nights), runs()
    if before is None:
        return
    yield from old_runs.remove_old(tracking, params.register_.model, before, needed)
    if by_age and owns("MLFLOW_TRACKING_URI"):  # else whoever runs that server empties its trash
        yield from old_runs.empty_trash(tracking, os.environ["PALATE_MLFLOW_STORE"])


def _flow_runs(params: Params) -> Iterator[str]:
    """Removes old ended runs of Palate's flows from Prefect, with their tasks, logs and artifacts."""
    if not owns("PREFECT_API_URL"):
        return  # others may have flows of these names there
    before, count = datetime.now(UTC) - timedelta(days=params.retention.days), 0
    ours = FlowFilter.model_validate({"name": {"any_": FLOWS}})
    old = FlowRunFilter.model_validate({"end_time": {"before_": before}})
    with get_client(sync_client=True) as client:
        while found := client.read_flow_runs(flow_filter=ours, flow_run_filter=old, limit=PAGE):
            ids = [run.id for run in found]
            theirs = ArtifactFilter.model_validate({"flow_run_id": {"any_": ids}})
            for artifact in client.read_artifacts(artifact_filter=theirs):
                client.delete_artifact(artifact.id)
            for flow_run in ids:
                client.delete_flow_run(flow_run)
            count += len(ids)
    if count:
        yield f"of Prefect's flow runs up to {before:%Y-%m-%d} {count} were removed"


def _answers(params: Params) -> Iterator[str]:
    """Removes old answers of the service, and raises an alarm if its store is still large."""
    store, days = service_store(), max(params.retention.days, params.alarms.recall_days)
    if store is None:
        return
    count = prune(store.engine, datetime.now(UTC) - timedelta(days=days))
    if count:
        yield f"{count} answers of the service that are older than {days} days were removed"
    size = size_of(store.engine) / 1e9
    if size > LARGE_STORE_GB:
        raise_alarm(
            "large store",
            f"The service's store holds {size:.1f} GB, with answers of {days} days alone: look who asks.",
        )


def _leftovers() -> Iterator[str]:
    """Removes temporary folders older than a day, which killed processes left."""
    for path in STATE.glob("tmp*"):
        if time.time() - path.stat().st_mtime > DAY_S:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
            yield f"{path.name} was removed, which a killed process had left"


def _beginnings_of_logs() -> Iterator[str]:
    """Cuts the beginning off logs that are too long."""
    for path in (STATE / "logs").glob("*.log"):
        if path.stat().st_size > MOST_OF_A_LOG:
            _shorten(path, MOST_OF_A_LOG // 2)
            yield f"the older half of {path.name} was removed"


def _shorten(path: Path, size: int) -> None:
    with path.open("r+b") as file:  # in place, since a program appends to it
        file.seek(-size, 2)
        end = file.read()
        file.seek(0)
        file.write(end[end.find(b"\n") + 1 :])
        file.truncate()
