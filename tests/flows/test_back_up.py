"""A back-up brings a clone's nights to a fresh clone, which goes on; a damaged one changes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.files import file_sha256
from components.integrations.model_registry.registry import Registry
from tests.flows.clones import Done, make_clone, run_flows, run_night, state_of, status_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def file(night: Done, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "palate.tar"
    done = run_flows(night.clone, "back-up", "--to", str(path))
    assert done.returncode == 0, done.stderr
    assert f"{path}: " in done.stdout
    return path


def test_a_fresh_clone_goes_on_from_a_back_up(
    night: Done, file: Path, inbox: Path, small_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    clone = make_clone(tmp_path / "clone", small_base)
    with _elsewhere(night.clone, tmp_path):
        done = run_flows(clone, "bring-back", str(file))
        assert done.returncode == 0, done.stderr
        registry = Registry(f"sqlite:///{clone}/.palate/mlflow.db")
        for version in registry.versions("palate"):
            folder = registry.download("palate", version, tmp_path / "version")
            assert {file.name for file in folder.iterdir()} >= {"adapter", "canary.json", "evaluation.json"}
    assert status_of(clone).splitlines()[:2] == status_of(night.clone).splitlines()[:2]
    for name in ("secrets.json", "last-night.json"):
        assert (clone / ".palate" / name).read_bytes() == (night.clone / ".palate" / name).read_bytes()
    names = [sorted(path.name for path in (one / "data/events").rglob("*")) for one in (clone, night.clone)]
    assert names[0] == names[1]
    again = run_flows(clone, "bring-back", str(file))
    assert again.returncode == 1
    assert "bring a back-up back in a fresh clone" in again.stderr
    later = run_night(clone, "--data", str(inbox), env=prefect)
    assert later.returncode == 0, later.stderr
    assert "0 accepted" in later.stdout
    assert state_of(clone)["versions"] == state_of(night.clone)["versions"]


@contextmanager
def _elsewhere(clone: Path, folder: Path) -> Iterator[None]:
    """What a clone's databases name by its path is not there."""
    clone.rename(folder / "elsewhere")
    try:
        yield
    finally:
        (folder / "elsewhere").rename(clone)


def test_a_remote_elsewhere_is_named_and_without_it_a_back_up_can_be_brought_back_again(
    night: Done, small_base: Path, tmp_path: Path
) -> None:
    config, path, remote = night.clone / ".dvc" / "config", tmp_path / "b.tar", tmp_path / "nas"
    before = config.read_text()
    shutil.copytree(night.clone / ".palate" / "dvc-remote", remote)
    config.write_text(before.replace("../.palate/dvc-remote", str(remote)))
    try:
        done = run_flows(night.clone, "back-up", "--to", str(path))
    finally:
        config.write_text(before)
    assert f"DVC's remote {remote} is not in it" in done.stdout
    clone = make_clone(tmp_path / "clone", small_base)
    (clone / ".dvc" / "config").write_text(before.replace("../.palate/dvc-remote", str(remote)))
    with _elsewhere(remote, tmp_path):
        done = run_flows(clone, "bring-back", str(path))
        assert done.returncode == 1
        assert done.stderr.startswith(f"palate: The data could not be fetched from DVC's remote {remote} (")
        assert len(done.stderr.splitlines()) == 1
    done = run_flows(clone, "bring-back", str(path))
    assert done.returncode == 0, done.stderr
    assert status_of(clone).splitlines()[:2] == status_of(night.clone).splitlines()[:2]
    assert (clone / "data" / "events").is_dir()


FOREIGN = (
    "repo/.git/hooks/post-checkout",
    "repo/.git/config",
    "repo/dvc.yaml",
    "repo/.dvc/config.local",
    "repo/flows/__init__.py",
    "state/bentoml/bentos/palate/v1/src/serving/service.py",
    "state/prefect/profiles.toml",
)


def test_a_tampered_back_up_with_right_sums_brings_neither_code_nor_hooks_nor_settings(
    file: Path, tmp_path: Path
) -> None:
    clone, content, copy = make_clone(tmp_path / "clone"), tmp_path / "content", tmp_path / "copy.tar"
    with tarfile.open(file) as tar:
        tar.extractall(content, filter="data")
    for name in FOREIGN:
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (content / name).chmod(0o755)
    sums = json.loads((content / "sha256.json").read_text())
    sums |= {name: file_sha256(content / name) for name in FOREIGN}
    (content / "sha256.json").write_text(json.dumps(sums))
    with tarfile.open(copy, "w") as tar:
        for name in [*sums, "sha256.json"]:
            tar.add(content / name, name)
    targets = {"repo": clone, "state": clone / ".palate"}
    places = [targets[top] / rest for top, _, rest in (name.partition("/") for name in FOREIGN)]
    before = [path.read_text() if path.exists() else "" for path in places]
    done = run_flows(clone, "bring-back", str(copy))
    assert done.returncode == 0, done.stderr
    assert [path.read_text() if path.exists() else "" for path in places] == before
    assert not (tmp_path / "ran").exists()
    served = run_flows(clone, "serve")
    assert served.returncode == 1
    assert served.stderr.startswith("palate: The Bento palate:preview-v1-")
    assert "is damaged or not here, as after a bring-back: `make release` builds" in served.stderr
    assert len(served.stderr.splitlines()) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "one more", "no file"])
def test_a_damaged_back_up_is_one_sentence_and_changes_nothing(
    file: Path, tmp_path: Path, damage: str
) -> None:
    clone, copy = make_clone(tmp_path / "clone"), tmp_path / "copy.tar"
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    if damage == "flipped":
        at = content.index(b"SQLite format 3") + 3000
        content[at] ^= 255
    if damage != "no file":
        copy.write_bytes(content)
    if damage == "one more":
        (tmp_path / "evil").write_text("evil")
        with tarfile.open(copy, "a") as tar:
            tar.add(tmp_path / "evil", "state/../../evil.txt")
    done = run_flows(clone, "bring-back", str(copy))
    assert done.returncode == 1
    assert done.stderr.startswith("palate: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (clone / ".palate" / "mlflow.db").exists()
    assert not (tmp_path / "evil.txt").exists()


def test_databases_are_copied_whole_while_they_are_written_to(night: Done, tmp_path: Path) -> None:
    store = night.clone / ".palate" / "service.db"
    with sqlite3.connect(store) as writer:
        writer.execute("create table if not exists scratch (number integer)")
        writer.commit()
        writer.execute("insert into scratch values (1)")  # not committed
        done = run_flows(night.clone, "back-up", "--to", str(tmp_path / "a.tar"))
        writer.rollback()
        writer.execute("drop table scratch")
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "a.tar") as tar:
        tar.extract("state/service.db", tmp_path, filter="data")
    with sqlite3.connect(tmp_path / "state" / "service.db") as copy:
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
        assert copy.execute("select count(*) from scratch").fetchone() == (0,)
