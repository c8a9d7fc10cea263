"""A real git and DVC repository in a temporary folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations import data_versions
from tests.conftest import REPO
from tests.flows.clones import wait_for
from tests.flows.forking import ForkServer


def _git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=repo, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, forks: ForkServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "executable", str(forks.python))  # of DVC's commands
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    folder = tmp_path / "repo"
    shutil.copytree(REPO / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    (folder / ".gitignore").write_text("/data/events\n/.palate\n/reports\n")
    (folder / "dvc.yaml").write_text(
        "stages:\n  fail:\n    cmd: |-\n      echo 'palate: the oven is cold' && exit 1\n"
        "  copy:\n    cmd: cp data/events/a b\n    deps: [data/events]\n    outs: [b]\n"
    )
    (folder / "data/events").mkdir(parents=True)
    (folder / "data/events/a").write_text("first night\n")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", ".gitignore", ".dvc", "dvc.yaml")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "start")
    data_versions.ensure_repository(folder, folder / ".palate")
    return folder


def _night(repo: Path, text: str) -> str:
    (repo / "data/events/a").write_text(text)
    data_versions.add(repo, "data/events")
    data_versions.push(repo, ["data/events"])
    message = text.strip() if text.startswith("Night:") else f"Night: {text.strip()}"
    return data_versions.commit_night(repo, ["data/events.dvc", "dvc.lock", "missing"], message)


def test_a_past_nights_data_comes_back_by_dvc_checkout_even_from_the_remote_alone(repo: Path) -> None:
    first = _night(repo, "first night\n")
    _night(repo, "second night\n")
    shutil.rmtree(repo / ".dvc" / "cache")
    _git(repo, "restore", f"--source={first}", "data/events.dvc")
    data_versions.dvc(repo, "fetch", "data/events.dvc")
    data_versions.dvc(repo, "checkout", "--force", "data/events.dvc")
    assert (repo / "data/events/a").read_text() == "first night\n"


def test_a_tampered_version_writes_nothing_outside_its_folder(repo: Path, tmp_path: Path) -> None:
    """DVC itself follows `..` in the listing of a folder: a hook of git would run at the next command."""
    hook, objects = repo / ".git" / "hooks" / "post-checkout", repo / ".dvc" / "cache" / "files" / "md5"

    def md5(content: bytes, suffix: str = "") -> str:
        digest = hashlib.md5(content).hexdigest()  # noqa: S324  # it is DVC's name of an object
        (objects / digest[:2]).mkdir(parents=True, exist_ok=True)
        (objects / digest[:2] / f"{digest[2:]}{suffix}").write_bytes(content)
        return digest + suffix

    evil = md5(b"#!/bin/sh")
    for path, name in (
        ("events", "../../.git/hooks/post-checkout"),
        ("events", str(hook)),
        ("../flows", "a.py"),
    ):
        listing = md5(json.dumps([{"md5": evil, "relpath": name}]).encode(), ".dir")
        out = {"md5": listing, "hash": "md5", "path": path}
        (repo / "data/events.dvc").write_text(yaml.safe_dump({"outs": [out]}))
        data_versions.commit_night(repo, ["data/events.dvc"], "Night: tampered")
        target = name if path == "events" else path
        with pytest.raises(StageFailed, match=re.escape(f"would write to '{target}', outside its folder")):
            data_versions.restore_pointers(repo, ["data/events.dvc"])
        assert not hook.exists()
        assert not (repo / "flows").exists()
        assert not (repo / "data/events.dvc").exists()


@pytest.mark.slow
def test_older_nights_leave_the_cache_and_come_back_from_the_remote(repo: Path) -> None:
    for number in range(4):  # the user's own commits are no nights
        _git(
            repo,
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@localhost",
            "commit",
            "-qm",
            f"{number}",
            "--allow-empty",
        )
    commits = [_night(repo, f"night {number}\n") for number in range(4)]
    for number in range(3):  # erasures are commits, and no nights
        (repo / "missing").write_text(f"{number}\n")
        data_versions.commit_night(repo, ["data/events.dvc", "missing"], "Forget one person")
    assert not data_versions.forget_copies(repo, 5, {})
    assert data_versions.forget_copies(repo, 2, {"v2": commits[1]})
    objects = [
        path.read_text() for path in (repo / ".dvc/cache/files/md5").glob("*/*") if path.suffix != ".dir"
    ]
    assert sorted(objects) == ["night 1\n", "night 2\n", "night 3\n"]
    assert not _git(repo, "tag", "--list")
    data_versions.fetch(repo, "data/events", commits[0], repo / "first")
    assert (repo / "first" / "a").read_text() == "night 0\n"
    assert (repo / "data/events/a").read_text() == "night 3\n"


def test_by_a_clock_that_was_ahead_no_other_night_gets_old(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, day in enumerate(("2026-11-01", "2027-11-02", "2026-11-03", "2026-11-04")):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{day}T02:00:00+00:00")
        (repo / "dvc.lock").write_text(f"{number}\n")
        data_versions.commit_night(repo, ["dvc.lock"], f"Night: {number}")
    first = datetime(2026, 11, 1, 2, tzinfo=UTC)
    assert [data_versions.night_before(repo, nights) for nights in (4, 3, 2)] == [None, first, first]
    assert data_versions.night_before(repo, 1) == datetime(2026, 11, 3, 2, tzinfo=UTC)


def test_the_same_data_has_the_same_version(repo: Path) -> None:
    one = data_versions.add(repo, "data/events")
    (repo / "data/events/a").write_text("changed\n")
    assert data_versions.add(repo, "data/events") != one
    (repo / "data/events/a").write_text("first night\n")
    assert data_versions.add(repo, "data/events") == one


def test_a_night_is_remembered_without_touching_the_checkout(repo: Path) -> None:
    (repo / "dvc.yaml").write_text((repo / "dvc.yaml").read_text() + "# being edited\n")
    before = _git(repo, "status", "--porcelain", "--untracked-files=no"), _git(repo, "rev-parse", "HEAD")
    commit = _night(repo, "first night\n")
    assert (
        _git(repo, "status", "--porcelain", "--untracked-files=no"),
        _git(repo, "rev-parse", "HEAD"),
    ) == before
    assert _git(repo, "rev-parse", "nights") == commit
    assert "data/events.dvc" in _git(repo, "ls-tree", "-r", "--name-only", commit)
    assert _git(repo, "log", "-1", "--format=%an", commit) == "Palate"


def test_a_night_that_changed_nothing_makes_no_commit(repo: Path) -> None:
    assert _night(repo, "same\n") == _night(repo, "same\n")


def test_a_stage_that_fails_says_its_own_sentence(repo: Path) -> None:
    with pytest.raises(StageFailed, match=r"^the oven is cold$"):
        data_versions.dvc(repo, "repro", "fail", failure_prefix="palate: ")


def test_a_stage_that_never_ends_is_ended_and_so_is_what_it_started(repo: Path) -> None:
    (repo / "dvc.yaml").write_text("stages:\n  slow:\n    cmd: echo $$ > pid && cat\n")
    with pytest.raises(StageFailed, match=r"`dvc repro slow` was ended after 0\.00\d+ hours"):
        data_versions.dvc(repo, "repro", "slow", limit_s=8)
    stage = int((repo / "pid").read_text())
    wait_for(lambda: not psutil.pid_exists(stage), 120, "the end of the stage")


def test_a_failing_command_is_named_with_its_code_and_last_words(repo: Path) -> None:
    with pytest.raises(StageFailed, match=r"`dvc repro nothing` ended with 255: .*nothing"):
        data_versions.dvc(repo, "repro", "nothing")


def test_dvc_itself_decides_what_is_stale(repo: Path) -> None:
    assert "Running stage 'copy'" in data_versions.dvc(repo, "repro", "copy")
    assert "didn't change" in data_versions.dvc(repo, "repro", "copy")
    (repo / "data/events/a").write_text("changed\n")
    assert "Running stage 'copy'" in data_versions.dvc(repo, "repro", "copy")


def test_the_commit_says_whether_tracked_files_differ(repo: Path) -> None:
    assert not data_versions.git_sha(repo).endswith("-dirty")
    (repo / "dvc.yaml").write_text("stages: {}\n")
    assert data_versions.git_sha(repo).endswith("-dirty")


def _flip(file: Path) -> None:
    """Changes one byte behind DVC's back: size, time and mode stay."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(before.st_mode)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _objects_of(folder: Path, content: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.read_bytes() == content]


@pytest.mark.parametrize("stored_in", ["cache", "remote", "nowhere"])
def test_a_damaged_file_comes_back_from_where_it_is_whole(repo: Path, stored_in: str) -> None:
    _night(repo, "first night\n")
    folders = {"cache": repo / ".dvc/cache", "remote": repo / ".palate/dvc-remote"}
    for name, folder in folders.items():
        (stored,) = _objects_of(folder, b"first night\n")
        if name != stored_in:
            _flip(stored)
    data_versions.check_files(repo, ["data/events", "data/none"])
    _flip(repo / "data/events/a")
    if stored_in == "nowhere":
        with pytest.raises(
            StageFailed, match=r"data/events/a is damaged: .* neither DVC's cache nor its remote"
        ):
            data_versions.check_files(repo, ["data/events"])
        return
    data_versions.check_files(repo, ["data/events"])
    assert (repo / "data/events/a").read_text() == "first night\n"


@pytest.mark.parametrize("damage", ["flipped", "removed", "torn", "listing"])
def test_what_is_damaged_in_the_remote_is_uploaded_again(repo: Path, damage: str) -> None:
    commit, remote = _night(repo, "first night\n"), repo / ".palate/dvc-remote"
    (stored,) = _objects_of(remote, b"first night\n")
    if damage == "listing":
        (stored,) = (file for file in remote.rglob("*.dir") if file.is_file())
    whole = stored.read_bytes()
    if damage == "removed":
        stored.unlink()
    elif damage == "torn":
        stored.chmod(0o644)
        stored.write_bytes(whole[:3])
    else:
        _flip(stored)
        stored.touch()  # what was hashed is not hashed again while its time is the same
    data_versions.push(repo, ["data/events"])
    assert stored.read_bytes() == whole
    shutil.rmtree(repo / ".dvc/cache")
    data_versions.restore(repo, repo / ".palate", commit, repo / ".palate/back")
    assert (repo / ".palate/back/data/events/a").read_bytes() == b"first night\n"


def test_an_object_that_is_whole_nowhere_is_a_sentence(repo: Path) -> None:
    _night(repo, "first night\n")
    for folder in (repo / ".dvc/cache", repo / ".palate/dvc-remote"):
        (stored,) = _objects_of(folder, b"first night\n")
        _flip(stored)
        stored.touch()
    with pytest.raises(
        StageFailed, match=r"Object \w{32} is damaged or missing in DVC's remote .*dvc-remote"
    ):
        data_versions.push(repo, ["data/events"])


def test_a_remote_that_is_gone_is_a_sentence(repo: Path) -> None:
    _night(repo, "first night\n")
    shutil.rmtree(repo / ".palate/dvc-remote")
    (repo / ".palate/dvc-remote").write_text("a file in the place of the folder")
    with pytest.raises(StageFailed, match=r"DVC's remote .*dvc-remote does not answer"):
        data_versions.push(repo, ["data/events"])


def test_a_night_comes_back_beside_the_clone_and_a_forgotten_one_does_not(repo: Path) -> None:
    first = _night(repo, "Night: first\n")
    (repo / "dvc.yaml").write_text("stages: {}\n")
    _night(repo, "Night: second\n")
    folder, state = repo / ".palate/nights/one", repo / ".palate"
    assert data_versions.restore(repo, state, first[:9], folder) == first
    assert (folder / "data/events/a").read_text() == "Night: first\n"
    assert "fail" in (folder / "dvc.yaml").read_text()  # the code of that night, not of today
    assert (repo / "data/events/a").read_text() == "Night: second\n"
    with pytest.raises(StageFailed, match="exists already"):
        data_versions.restore(repo, state, first, folder)
    with pytest.raises(NotFound, match="no night '1999-01-01'"):
        data_versions.restore(repo, state, "1999-01-01", repo / "other")
    data_versions.forget_history(repo, ["data/events.dvc"], "Forget one person")
    assert not folder.exists()  # it held the night's data
    with pytest.raises(NotFound, match="gone for good"):
        data_versions.restore(repo, state, first, repo / "other")
