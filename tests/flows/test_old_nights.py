"""What only old nights need leaves MLflow, DVC's stores and Prefect for good, and nothing else does."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

from components.files import write_state
from components.integrations.model_registry.checksums import ungrouped
from flows.environment import this_process
from tests.flows.clones import Done, clean_environment, copy_of, run_flows, status_of
from tests.flows.forking import ForkServer
from tests.flows.releasing import Passes, champion
from tests.flows.room import MAKE_ROOM, make_room, set_params

# Six nights after the clone's own, each with data, runs and a version of its own.
LATER_NIGHTS = """
from flows import environment
environment.prepare()
import time
from pathlib import Path
from components.integrations import data_versions
from flows.night import data
from flows.registry import registry, runs
from flows.environment import REPO
server, tracking, pointer = registry(), runs(), REPO / "data" / "quarantine.dvc"
row = REPO / "data" / "quarantine" / "night.txt"
for number in range(6):
    row.write_text(f"night {number}")
    data_versions.add(REPO, "data/quarantine")
    data_versions.push(REPO, ["data/quarantine"])
    night = tracking.night_run(f"night {number}")
    candidate = tracking.candidate_run(night, "reader", afresh=False)
    time.sleep(1.1)  # git's dates are whole seconds
    commit = data_versions.commit_night(REPO, data.COMMITTED, f"Night: number {number}")
    tags = server.tags("palate", "1") | {"night_commit": commit, "night_run": night, "released": ""}
    model, files = REPO / "serving" / "mlflow_model.py", {"lineage": REPO / "params.yaml"}
    server.register("palate", candidate, model, files, REPO / "components", tags)
    tracking.end_night(f"night {number}", "FINISHED")
row.unlink()
data_versions.add(REPO, "data/quarantine")
"""
FLOW_RUNS = """
from datetime import UTC, datetime
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, LogCreate
from prefect.states import Completed
with get_client(sync_client=True) as client:
    for name, days in (("nightly", 40), ("release", 31), ("nightly", 29), ("theirs", 40)):
        at = datetime.now(UTC)
        run = client.create_flow_run(flow(lambda: None, name=name), name=f"{name}-{days}")
        client.set_flow_run_state(run.id, Completed(), force=True)
        client.create_artifact(ArtifactCreate(key=f"a-{name}", data=run.name, flow_run_id=run.id))
        log = LogCreate(name="l", level=20, message=run.name, timestamp=at, flow_run_id=run.id)
        client.create_logs([log])
"""
LEFT = r"""
import json
import re
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    print(json.dumps({
        "runs": sorted(run.name for run in client.read_flow_runs() if re.fullmatch(r"[a-z]+-\d+", run.name)),
        "artifacts": sorted(each.data for each in client.read_artifacts() if str(each.key).startswith("a-")),
        "logs": sorted(each.message for each in client.read_logs() if each.name == "l"),
    }))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def later(promoted: Done, forks: ForkServer, tmp_path: Path) -> Path:
    """A copy of the clone with versions 2 to 7 of later nights; its artifacts are its own."""
    clone = copy_of(promoted.clone, tmp_path / "later")
    subprocess.run(["git", "tag", "v0"], cwd=clone, check=True)  # as a release has, which no night made
    done = forks.start(clone, clean_environment(), code=LATER_NIGHTS).wait()
    assert done.returncode == 0, done.stderr
    return clone


def _uri(clone: Path) -> str:
    return f"sqlite:///{clone / '.palate' / 'mlflow.db'}"


def _yesterday(clone: Path) -> None:
    """Lets a day go by for what lies in MLflow's trash."""
    _execute(clone, "UPDATE runs SET deleted_time = deleted_time - 86400000")
    _execute(
        clone, "UPDATE logged_models SET last_updated_timestamp_ms = last_updated_timestamp_ms - 86400000"
    )


def _execute(clone: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(clone / ".palate" / "mlflow.db")) as database, database:
        database.execute(statement, values)


def test_what_only_old_nights_made_leaves_mlflow_and_dvc_and_what_is_needed_stays(
    later: Path, forks: ForkServer, prefect: dict[str, str], passes: Passes
) -> None:
    client = MlflowClient(_uri(later))
    numbers = sorted(int(entry.version) for entry in client.search_model_versions("name = 'palate'"))
    versions = [client.get_model_version("palate", str(number)) for number in numbers[-6:]]
    challenger, theirs, old, *_ = versions  # with version 1, the champion, four of seven nights are old
    client.set_registered_model_alias("palate", "challenger", challenger.version)
    mlflow.set_tracking_uri(_uri(later))
    mlflow.register_model(theirs.source, "theirs")
    experiment = client.get_run(old.run_id).info.experiment_id
    by_hand = client.create_run(experiment).info.run_id
    _execute(later, "UPDATE runs SET start_time = 0 WHERE run_uuid = ?", by_hand)
    folder = later / ".palate" / "mlartifacts" / "models"
    models = {version.version: folder / version.source.rpartition("/")[2] for version in versions}
    set_params(later, "retention", nights=3, remote_nights=3)
    before = _objects(later)

    log = make_room(forks, later, prefect)
    assert "2 were deleted" in log
    assert f"with the models of versions: {old.version}" in log
    assert models[old.version].exists()  # in the trash for a day
    _yesterday(later)
    log = make_room(forks, later, prefect)
    assert f"Logged model with ID {models[old.version].name} has been permanently deleted" in log
    assert [version for version, model in models.items() if not any(model.rglob("*.*"))] == [old.version]
    runs = {run.info.run_id for run in client.search_runs([experiment], run_view_type=ViewType.ALL)}
    assert runs.isdisjoint({old.run_id, ungrouped(old.tags)["night_run"]})
    staying = {needed.run_id for needed in (challenger, theirs)}
    staying |= {ungrouped(needed.tags)["night_run"] for needed in (challenger, theirs)}
    assert runs >= staying | {by_hand}
    assert len(before - _objects(later)) == 4  # of two nights a file and a listing

    tags = client.get_model_version("palate", old.version).tags
    assert tags["model_removed"].endswith("by retention.nights")
    lineage = run_flows(later, "lineage", str(old.version)).stdout
    assert f"palate {old.version}" in lineage
    assert tags["model_removed"] in lineage
    restored = run_flows(later, "restore", str(challenger.version), "--to", str(later / "restored"))
    assert restored.returncode == 0, restored.stderr
    assert (later / "restored" / "data" / "quarantine" / "night.txt").read_text() == "night 0"
    gone = run_flows(later, "restore", str(old.version), "--to", str(later / "gone"))
    assert "DVC's cache and its remote lack some of its data" in gone.stderr

    client.set_registered_model_alias("palate", "champion", old.version)
    assert f"version {old.version} may not be served: its model was removed" in passes.sentence(later)
    assert champion(client) == "1"  # what is served stays
    assert f"version {old.version} was refused" not in status_of(later)
    assert "MLflow has no model of it any more" in run_flows(later, "forget", "p1").stdout


def _objects(clone: Path) -> set[str]:
    """The objects in DVC's remote."""
    remote = clone / ".palate" / "dvc-remote" / "files" / "md5"
    return {f"{path.parent.name}{path.name}" for path in remote.glob("*/*")}


def test_prefects_old_runs_of_these_flows_go_with_their_logs_and_artifacts(
    promoted: Done, prefect: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    _run(promoted.clone, prefect, FLOW_RUNS)
    database = tmp_path_factory.getbasetemp() / "prefect0" / "prefect.db"
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:  # as many days ago
        connection.execute(
            "UPDATE flow_run SET end_time = strftime('%Y-%m-%d %H:%M:%f000', end_time, "
            "'-' || substr(name, -2) || ' days') WHERE name GLOB '*-[0-9][0-9]' AND name NOT LIKE 'night %'"
        )
    _run(promoted.clone, prefect, MAKE_ROOM)
    assert len(json.loads(_run(promoted.clone, prefect, LEFT).stdout)["runs"]) == 4  # this server is not ours
    up = promoted.clone / ".palate" / "up.json"
    write_state(up, {**this_process(), **prefect})
    assert "2 were removed" in _run(promoted.clone, prefect, MAKE_ROOM).stderr
    up.unlink()
    left = json.loads(_run(promoted.clone, prefect, LEFT).stdout)
    assert left["runs"] == left["artifacts"] == left["logs"] == ["nightly-29", "theirs-40"]


def _run(clone: Path, prefect: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    """A program in the clone that asks the real Prefect server, which a fork cannot."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=clone, env=clean_environment() | prefect, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done
