"""MLflow: moves runs and models that only old nights need to its trash, and removes them for good with `gc`.

Rows of registered versions stay: an answer leads back to its data by the tags of its version.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import mlflow
from mlflow.entities import ViewType
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient

from components.domain.errors import StageFailed
from components.domain.verdict.admission import MODEL_REMOVED
from components.integrations.model_registry.runs import Runs

PARENT = "mlflow.parentRunId"  # tag of a candidate's run: that of its night
IN_TRASH = "20h"  # before it goes for good: less than a day, so that the next night empties it


def remove_old(tracking: Runs, model: str, before: datetime, needed: Collection[str]) -> Iterator[str]:
    """Deletes the runs of nights that began before a moment, with their models.

    Runs that no night made stay, and so do those that an alias or another registered model leads to. Yields
    a sentence on what was deleted.

    Args:
        tracking: The server's runs.
        before: Runs that began later stay.
        needed: Versions whose runs and models stay, too.
    """
    client, until = tracking.client, int(before.timestamp() * 1000)
    versions = client.search_model_versions()
    staying = {version.run_id for version in _staying(client, versions, model, needed)}
    runs = client.search_runs(
        [tracking.experiment], f"attributes.start_time < {until}", order_by=["attributes.start_time ASC"]
    )
    parents = {run.info.run_id: run.data.tags.get(PARENT) for run in runs if "kind" in run.data.tags}
    staying |= {parent for run, parent in parents.items() if run in staying and parent}  # with their nights
    old = [run for run, parent in parents.items() if not {run, parent} & staying]
    gone = [version for version in versions if version.run_id in old]
    for version in gone:  # first, so that whoever promotes it from now on is told
        since = f"{datetime.now(UTC):%Y-%m-%d} by retention.nights"
        client.set_model_version_tag(model, version.version, MODEL_REMOVED, since)
    for logged in mlflow.search_logged_models([tracking.experiment], output_format="list"):
        if logged.source_run_id in old:
            client.delete_logged_model(logged.model_id)
    for run in old:
        client.delete_run(run)
    if old:
        models = ", ".join(str(version.version) for version in gone) or "none"
        yield (
            f"of MLflow's runs up to {before:%Y-%m-%d} {len(old)} were deleted, with the models of versions: "
            f"{models}"
        )


def _staying(
    client: MlflowClient, versions: Collection[ModelVersion], model: str, needed: Collection[str]
) -> list[ModelVersion]:
    """Chooses the versions whose models stay: needed ones, those with an alias, and those of other models."""
    mine = any(version.name == model for version in versions)
    aliased = client.get_registered_model(model).aliases.values() if mine else ()
    staying = {*needed, *map(str, aliased)}
    return [version for version in versions if version.name != model or str(version.version) in staying]


def empty_trash(tracking: Runs, store: str) -> list[str]:
    """Removes for good what lay in the trash for IN_TRASH, with its artifacts.

    Args:
        tracking: The runs in the database.
        store: SQLAlchemy's URL of that database, since MLflow's `gc` does not go through a server.

    Returns:
        What MLflow says of each run and model.

    Raises:
        StageFailed: MLflow failed; the message has its last line.
    """
    if not tracking.client.search_runs([tracking.experiment], run_view_type=ViewType.DELETED_ONLY):
        return []
    stores = ["--backend-store-uri", store, "--tracking-uri", store]
    command = [sys.executable, "-m", "mlflow", "gc", *stores, "--older-than", IN_TRASH]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageFailed(f"`mlflow gc` failed: {''.join(done.stderr.strip().splitlines()[-1:])}")
    return [line for line in done.stdout.splitlines() if "permanently deleted" in line]
