"""Removal of what only old nights need, in each store: images, DVC, MLflow, Prefect."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
)

from components.domain.params import Params
from components.integrations import bentos, data_versions, images
from components.integrations.model_registry import old_runs
from flows.environment import REPO, owns
from flows.registry import registry, runs
from flows.release import bento, delivery

logger = logging.getLogger(__name__)
FLOWS = ["nightly", "release"]  # names of the flows whose runs go
PAGE = 200  # the most runs that Prefect lists at once


def remove_images(params: Params) -> None:
    """Removes images of removed Bentos from the engine, but not from a registry, since pods may pull them."""
    engine, released = params.release.engine, delivery.current()
    if engine == "none":
        return
    staying = {*bentos.newest_first(bento.SERVICE), released.bento if released else ""}
    for name in images.names(engine, params.release.image):
        tag = f"{bento.SERVICE}:{name.rpartition(':')[2]}"
        if bento.promoted_version_of(tag) and tag not in staying:
            why_not = images.remove(engine, name)
            logger.warning(
                "retention: the image %s %s", name, f"stays: {why_not}" if why_not else "was removed"
            )


def remove_copies(params: Params, needed: Collection[str]) -> None:
    """Removes data that only older nights name from DVC's cache and, if params say so, from its remote."""
    settings, versions = params.retention, registry().versions(params.register_.model)
    commits = {f"v{name}": tags.get("night_commit", "") for name, tags in versions.items() if name in needed}
    if data_versions.forget_copies(REPO, settings.nights, commits):
        logger.warning("retention: what nights before the last %d need left DVC's cache", settings.nights)
    nights = max(settings.nights, settings.remote_nights)
    if settings.remote_nights and data_versions.forget_copies(REPO, nights, commits, remote=True):
        logger.warning("retention: what nights before the last %d need left DVC's remote, for good", nights)
    data_versions.pack(REPO)


def remove_runs(params: Params, needed: Collection[str], *, by_age: bool) -> None:
    """Removes MLflow's runs and models of older nights; the rows of their versions stay.

    Args:
        params: Settings of the night.
        needed: Versions whose runs and models stay.
        by_age: Whether to empty MLflow's trash of old entries, too.
    """
    before, tracking = data_versions.night_before(REPO, params.retention.nights), runs()
    if before is None:
        return
    removed = old_runs.remove_old(tracking, params.register_.model, before, needed)
    if removed.runs:
        versions = ", ".join(removed.versions) or "none"
        logger.warning(
            "retention: of MLflow's runs up to %s %d were deleted, with the models of versions: %s",
            f"{before:%Y-%m-%d}",
            removed.runs,
            versions,
        )
    if not (by_age and owns("MLFLOW_TRACKING_URI")):
        return  # whoever runs that server empties its trash
    for sentence in old_runs.empty_trash(tracking, os.environ["PALATE_MLFLOW_STORE"]):
        logger.warning("retention: MLflow: %s", sentence)


def remove_flow_runs(params: Params) -> None:
    """Removes old ended runs of Palate's flows from Prefect, with their tasks, logs and artifacts."""
    if not owns("PREFECT_API_URL"):
        return  # others may have flows of these names there
    before, count = datetime.now(UTC) - timedelta(days=params.retention.days), 0
    with get_client(sync_client=True) as client:
        while ids := _ended_before(client, before):
            for artifact in client.read_artifacts(
                artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=ids))
            ):
                client.delete_artifact(artifact.id)
            for flow_run in ids:
                client.delete_flow_run(flow_run)
            count += len(ids)
    if count:
        logger.warning(
            "retention: of Prefect's flow runs up to %s %d were removed", f"{before:%Y-%m-%d}", count
        )


def _ended_before(client: SyncPrefectClient, before: datetime) -> list[UUID]:
    return [
        run.id
        for run in client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=FLOWS)),
            flow_run_filter=FlowRunFilter(end_time=FlowRunFilterEndTime.model_validate({"before_": before})),
            limit=PAGE,
        )
    ]
