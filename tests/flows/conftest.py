"""Nights that several tests look at, and what they look at them with."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from tests.conftest import needs, once
from tests.flows import digits
from tests.flows.clones import (
    PYTHON,
    REPO,
    Done,
    clean_environment,
    copy_of,
    free_ports,
    http_status,
    last_night_of,
    lend_cache,
    make_clone,
    run_night,
    wait_for,
)
from tests.flows.container import TOOLS, Engine, start_engine, start_registry
from tests.flows.forking import ForkServer
from tests.flows.releasing import Passes, new_version
from tests.flows.running import Up
from tests.flows.tables import write_tables

SAMPLE = REPO / "data" / "sample" / "canteen"
PEOPLE = 24
PARAMS = """
base: {model: small}
check: {min_events: 50}
train:
  threads: 1
  candidates:
    top: &top
      {rank: 4, alpha: 8, targets: [q_proj, v_proj], layers: [0, 2], learning_rate: 0.01,
       warmup_share: 0.1, comparisons: 24,
       vectors: {size: 8, learning_rate: 0.1, weight_decay: 0.1, comparisons_per_step: 50}}
    tip:
      {<<: *top, comparisons: 200, epochs: 4,
       factors: {size: 4, template: "A dish: {dish}.", layer: 0}}
evaluate: {subset: 12}
register: {promote_first: true}
package: {serve: preview}
"""


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's dishes and menus with the choices of a few people, and params that make a night small."""
    return once(tmp_path_factory, "inbox", _write_inbox)


def _write_inbox(folder: Path) -> None:
    with (SAMPLE / "events.csv").open() as file:
        rows = list(csv.DictReader(file))
    days: dict[str, set[str]] = {}
    for row in rows:
        days.setdefault(row["person_id"], set()).add(row["menu_id"])
    regulars = set(sorted(person for person, menus in days.items() if len(menus) >= 6)[:PEOPLE])
    few = [row for row in rows if row["person_id"] in regulars]
    late = {**rows[0], "person_id": "late", "occurred_at": "2999-01-01T12:00:00"}
    write_tables(folder, PARAMS, events=[*few, late])
    for name in ("dishes.csv", "menus.csv"):
        shutil.copy(SAMPLE / name, folder / name)


@pytest.fixture(scope="session")
def prefect(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Prefect server for all nights that are not about having none; the environment that leads to it.

    The programs of such a night fork from a process that has imported the libraries.
    """
    folder = tmp_path_factory.mktemp("prefect")
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-services", "--port", str(port)]
    env = clean_environment() | {"PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/api"
    wait_for(lambda: http_status(f"{address}/health") == 200, 120, "Prefect's server")
    yield {"PREFECT_API_URL": address, PYTHON: str(forks.python)}
    server.terminate()
    server.wait(120)


@pytest.fixture(scope="session")
def passes(forks: ForkServer) -> Passes:
    return Passes(forks)


@pytest.fixture(scope="session")
def first_night(
    inbox: Path, small_base: Path, prefect: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of `night`, which ran once for all workers."""

    def fill(folder: Path) -> None:
        _run_first_night(make_clone(folder / "clone", small_base), inbox, prefect)

    return once(tmp_path_factory, "night", fill)


@pytest.fixture(scope="module")
def night(first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A first night in a fresh clone; each file has a copy."""
    return _copied(first_night, tmp_path_factory.mktemp("night"))


@pytest.fixture(scope="session")
def first_promotion(
    small_base: Path, prefect: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of `promoted`, whose night ran once for all workers."""

    def fill(folder: Path) -> None:
        digits.write_inbox(folder / "inbox", days=digits.DAYS)
        _run_first_night(make_clone(folder / "clone", small_base), folder / "inbox", prefect)

    return once(tmp_path_factory, "promoted", fill)


@pytest.fixture(scope="module")
def promoted(first_promotion: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A night whose gate passes, so that version 1 is the champion; each file has a copy.

    A copy of its inbox lies beside the clone, whose params still name the shared one.
    """
    copied = _copied(first_promotion, tmp_path_factory.mktemp("promoted"))
    shutil.copytree(first_promotion / "inbox", copied.clone.parent / "inbox")
    return copied


def _run_first_night(clone: Path, inbox: Path, env: Mapping[str, str]) -> None:
    first = run_night(clone, "--data", str(inbox), env=env)
    assert first.returncode == 0, first.stderr


def _copied(first: Path, folder: Path) -> Done:
    clone = copy_of(first / "clone", folder / "clone")
    return Done(clone, last_night_of(clone))


@pytest.fixture(scope="session")
def up(
    first_promotion: Path, small_base: Path, forks: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Up]:
    """`make up` as the first thing in a fresh clone, after a night beside it that made a champion.

    That night finds in DVC's cache what the one of `promoted` trained.
    """
    clone = make_clone(tmp_path_factory.mktemp("up") / "clone", small_base)
    lend_cache(first_promotion / "clone", clone)
    digits.write_inbox(clone.parent / "inbox", days=digits.DAYS)
    up = Up(clone)
    beside = run_night(clone, "--data", str(clone.parent / "inbox"), env={PYTHON: str(forks.python)})
    assert beside.returncode == 0, beside.stderr
    yield up
    up.stop(signal.SIGINT)


@pytest.fixture
def client(promoted: Done, passes: Passes) -> Iterator[MlflowClient]:
    """The registry of the clone; whatever a test did, version 1 is the released champion again afterwards."""
    uri, before = f"sqlite:///{promoted.clone / '.palate' / 'mlflow.db'}", mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)  # making a version from another's source asks the global one
    client = MlflowClient(uri)
    yield client
    mlflow.set_tracking_uri(before)
    for version in client.search_model_versions("name = 'palate'"):
        for tag in ("release_refused", "release_override", "release_by", "release_taken_back"):
            if tag in version.tags:
                client.delete_model_version_tag("palate", version.version, tag)
    client.set_registered_model_alias("palate", "champion", "1")
    released = json.loads((promoted.clone / ".palate" / "released.json").read_text())
    if released["version"] != "1":
        assert passes.sentence(promoted.clone).startswith("version 1 was released")


@pytest.fixture(scope="module")
def built(promoted: Done, passes: Passes) -> str:
    """A second version that was released once and so has its Bento; version 1 is the champion again."""
    uri, before = f"sqlite:///{promoted.clone / '.palate' / 'mlflow.db'}", mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    version = new_version(client)
    mlflow.set_tracking_uri(before)
    for champion in (version, "1"):
        client.set_registered_model_alias("palate", "champion", champion)
        assert passes.sentence(promoted.clone).startswith(
            f"version {champion} was released as palate:v{champion}-"
        )
    return version


@pytest.fixture
def second(client: MlflowClient) -> str:
    """A version with the first one's artifacts and lineage that was never released."""
    return new_version(client)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Podman and buildah, and a registry for what they push."""
    needs(*TOOLS)
    folder = tmp_path_factory.mktemp("engine")
    engine = start_engine(folder)
    registry = start_registry(engine, folder)
    yield engine
    engine.run("podman", "rm", "--all", "--force", "--time", "0", check=False)
    registry.terminate()
    registry.wait(120)
