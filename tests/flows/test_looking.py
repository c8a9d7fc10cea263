"""What only looks: the doctor leaves no trace in a fresh clone; the status says where the copies are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows import mounts
from tests.flows.clones import clean_environment, make_clone, run_flows
from tests.flows.forking import ForkServer

pytestmark = pytest.mark.slow

SAME_DISK = ", on the same disk as the data: one broken disk takes both"
NOT_THERE = " is not there (mount its disk, or a night makes it)"
REMOTE = """
from flows import environment
environment.prepare()
from flows.machine.status import _remote
print(_remote())
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


def _files(folder: Path) -> dict[str, int]:
    """All paths below a folder with the time of their last change."""
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_the_doctor_writes_nothing(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before = _files(tmp_path)
    done = run_flows(clone, "doctor", env={"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("What becomes of the rows")
    assert _files(tmp_path) == before


def _remote(clone: Path, forks: ForkServer, url: str = "") -> str:
    if url:
        subprocess.run(
            [sys.executable, "-m", "dvc", "remote", "modify", "local", "url", url], cwd=clone, check=True
        )
    done = forks.start(clone, clean_environment(), code=REMOTE).wait()
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


def test_the_status_tells_where_the_copies_are_and_whether_they_are_there(
    clone: Path, forks: ForkServer, tmp_path: Path
) -> None:
    ours = clone / ".palate" / "dvc-remote"
    assert _remote(clone, forks) == f"{ours}{NOT_THERE}{SAME_DISK}"
    ours.mkdir()
    assert _remote(clone, forks) == f"{ours}{SAME_DISK}"
    away = tmp_path / "usb-not-mounted" / "dvc"
    assert _remote(clone, forks, str(away)) == f"{away}{NOT_THERE}{SAME_DISK}"
    assert _remote(clone, forks, "s3://bucket/dvc") == "s3://bucket/dvc"


def test_a_remote_on_another_disk_is_only_named(clone: Path, forks: ForkServer, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounts.full(disk):
        assert _remote(clone, forks, str(disk)) == str(disk)
