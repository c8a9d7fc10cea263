"""A back-up replaces nothing that is there, and what is no back-up is one sentence."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.flows.clones import clean_environment, make_clone
from tests.flows.forking import ForkServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("back-up") / "clone")


def _flows(forks: ForkServer, clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = forks.start(clone, clean_environment(), "-m", "flows", *arguments).wait()
    assert done.returncode == 1
    assert done.stderr.startswith("palate: ")
    assert len(done.stderr.splitlines()) == 1
    return done


@pytest.mark.parametrize("kind", ["file", "folder", "fifo", "link to nothing"])
def test_what_is_there_stays(clone: Path, forks: ForkServer, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    make = {
        "file": lambda: target.write_text("precious"),
        "folder": target.mkdir,
        "fifo": lambda: os.mkfifo(target),
        "link to nothing": lambda: target.symlink_to(tmp_path / "nothing"),
    }
    make[kind]()
    before = target.lstat()
    done = _flows(forks, clone, "back-up", "--to", str(target))
    assert f"There is something at '{target}' already: name a file that does not exist yet." in done.stderr
    assert (target.lstat().st_ino, target.lstat().st_size) == (before.st_ino, before.st_size)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("part", ["a.tar", "folder/a.tar"])
def test_a_path_below_a_file_is_named(clone: Path, forks: ForkServer, tmp_path: Path, part: str) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    done = _flows(forks, clone, "back-up", "--to", str(file / part))
    assert f"{file / part} could not be written: the path '{file}" in done.stderr
    assert "leads through a file as if it were a folder: name another" in done.stderr
    assert file.read_text() == "precious"


def _tar(sums: bytes | None) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        member = tarfile.TarInfo("sha256.json" if sums is not None else "other")
        member.size = len(sums or b"")
        tar.addfile(member, io.BytesIO(sums or b""))
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"no tar at all",
        b"",
        b"\x1f\x8b\x08\x00torn gzip",
        b"BZh9 torn",
        b"\xfd7zXZ\x00torn",
        _tar(b"5"),
        _tar(b"[1]"),
        _tar(b"null"),
        _tar(b'{"a": 5}'),
        _tar(b"{"),
        _tar(None),
    ],
)
def test_what_is_no_back_up_is_one_sentence(
    clone: Path, forks: ForkServer, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(content)
    done = _flows(forks, clone, "bring-back", str(file))
    assert done.stderr.startswith(f"palate: {file} is no back-up or is damaged (")
    assert done.stderr.endswith("): take another one.\n")
    assert str(clone / ".palate") not in done.stderr
