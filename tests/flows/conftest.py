"""Nights that several tests look at, and what they look at them with."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from tests.conftest import needs
from tests.flows.clones import REPO, Done, make_clone, run_night
from tests.flows.container import TOOLS, Engine, start_engine, start_registry
from tests.flows.meaning import write_inbox
from tests.flows.releasing import said

SAMPLE = REPO / "data" / "sample" / "canteen"
PEOPLE = 24
PARAMS = """
check: {min_events: 50}
train:
  threads: 2
  candidates:
    top: &top
      {rank: 4, alpha: 8, targets: [q_proj, v_proj], layers: [28, 30], learning_rate: 0.01,
       warmup_share: 0.1, comparisons: 24}
    tip:
      {<<: *top, comparisons: 200, epochs: 4,
       vectors: {size: 8, learning_rate: 0.05, weight_decay: 0.1, comparisons_per_step: 50}}
evaluate: {resamples: 200, subset: 12}
register: {promote_first: true}
package: {preview: true}
"""


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's dishes and menus with the choices of a few people, and params that make a night small."""
    folder = tmp_path_factory.mktemp("inbox")
    for name in ("dishes.csv", "menus.csv"):
        shutil.copy(SAMPLE / name, folder / name)
    with (SAMPLE / "events.csv").open() as file:
        rows = list(csv.DictReader(file))
    days: dict[str, set[str]] = {}
    for row in rows:
        days.setdefault(row["person_id"], set()).add(row["menu_id"])
    regulars = set(sorted(person for person, own in days.items() if len(own) >= 6)[:PEOPLE])
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["person_id"] in regulars)
        writer.writerow({**rows[0], "person_id": "late", "occurred_at": "2999-01-01T12:00:00"})
    (folder / "params.yaml").write_text(PARAMS)
    return folder


@pytest.fixture(scope="session")
def night(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A first night in a fresh clone, the base model made on the way."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    first = run_night(clone, "--data", str(inbox))
    assert first.returncode == 0, first.stderr
    return Done(clone, first)


@pytest.fixture(scope="session")
def promoted(night: Done, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A night whose gate passes, so that version 1 is the champion; its inbox lies beside the clone."""
    clone = make_clone(tmp_path_factory.mktemp("promoted") / "clone", night.clone / "models" / "base")
    write_inbox(clone.parent / "inbox", days=10)
    first = run_night(clone, "--data", str(clone.parent / "inbox"))
    assert first.returncode == 0, first.stderr
    return Done(clone, first)


@pytest.fixture
def client(promoted: Done) -> Iterator[MlflowClient]:
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
    if released["version"] != "1":  # a pass takes seconds, and most tests end where they began
        assert said(promoted.clone).startswith("version 1 was released")


@pytest.fixture
def second(promoted: Done, client: MlflowClient) -> str:
    """A second version: the first one's artifacts and lineage under a gate report of its own."""
    first = client.get_model_version("palate", "1")
    copy = client.create_model_version(
        "palate", first.source, first.run_id, tags={**first.tags, "released": ""}, model_id=first.model_id
    )
    return str(copy.version)


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
    registry.wait(30)
