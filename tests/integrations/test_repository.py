"""What git and DVC are like before a night: it works there, or one sentence says what to do."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from components.domain.errors import StageFailed
from components.integrations import data_versions
from tests.conftest import REPO

COMMAND = "dvc/__main__.py repro train@top"  # as DVC writes it down
GARBAGE = [b"", b"{", b"\xb2\xb3", b"[]", b'{"read": {"a": 1}}', b'{"write": {"a": {"pid": "x"}}}']


def _git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def unborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with DVC's folder and no commit, on a machine where git has no settings."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    folder = tmp_path / "repo"
    (folder / ".dvc" / "tmp").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text("")
    (folder / ".gitignore").write_text("/.palate\n/.dvc/tmp\n")
    _git(folder, "init", "-q", "-b", "main")
    return folder


@pytest.fixture
def repo(unborn: Path) -> Path:
    _git(unborn, "add", "-A")
    _git(unborn, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "start")
    return unborn


def _look(repo: Path) -> None:
    data_versions.ensure_repository(repo, repo / ".palate")


def _night(repo: Path, text: str) -> str:
    _look(repo)
    (repo / "data.dvc").write_text(text)
    return data_versions.commit_night(repo, ["data.dvc"], f"Night: {text}")


def _author(repo: Path) -> str:
    return _git(repo, "log", "-1", "--format=%an %ae", "nights")


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="not a git repository with DVC"):
        _look(tmp_path)


@pytest.mark.parametrize(
    ("setting", "author"),
    [
        (("user.email", "ada@localhost"), "Palate ada@localhost"),
        (("user.name", "Ada"), "Ada palate@localhost"),
        (("user.useConfigOnly", "true"), "Palate palate@localhost"),
    ],
)
def test_what_git_lacks_of_an_author_is_palates(repo: Path, setting: tuple[str, str], author: str) -> None:
    _git(repo, "config", *setting)
    _night(repo, "one")
    assert _author(repo) == author


def test_a_clone_of_another_user_is_one_sentence(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for this
    with pytest.raises(StageFailed, match=rf"^git does not trust .*`git config .* '{re.escape(str(repo))}'`"):
        _look(repo)


def test_a_clone_without_a_commit_is_one_sentence(unborn: Path) -> None:
    with pytest.raises(StageFailed, match=r"has no commit yet.*`git commit -m start`"):
        _look(unborn)


def test_the_branch_nights_may_not_be_checked_out_anywhere(repo: Path, tmp_path: Path) -> None:
    _night(repo, "one")
    _git(repo, "worktree", "add", "-q", str(tmp_path / "beside"), "nights")
    with pytest.raises(StageFailed, match=r"nights is checked out in '.*beside'.*`git switch`"):
        _look(repo)
    _git(repo, "worktree", "remove", "--force", str(tmp_path / "beside"))
    _git(repo, "switch", "-q", "--force", "nights")
    with pytest.raises(StageFailed, match=r"nights is checked out in '.*repo'"):
        _look(repo)


def test_nights_are_committed_from_a_worktree_and_from_a_detached_head(repo: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    _git(repo, "worktree", "add", "-q", "--detach", str(beside))
    (beside / ".dvc" / "tmp").mkdir()
    first, second = _night(beside, "one"), _night(beside, "two")
    assert _git(repo, "rev-parse", "nights", "nights~1").split() == [second, first]
    assert not list(repo.glob(".git/**/palate-index*"))


def test_the_runbook_lists_nights_and_neither_code_nor_erasures(repo: Path) -> None:
    runbook = (REPO / "docs" / "runbook.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"`(git log nights .* --format=%h)`", runbook)
    first = _night(repo, "one")
    _git(repo, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "code", "--allow-empty")
    second = _night(repo, "two")
    (repo / "data.dvc").write_text("two but for a person")
    data_versions.commit_night(repo, ["data.dvc"], "Forget 1 person")
    lines = _git(repo, *shlex.split(command)[1:]).split()
    assert [_git(repo, "rev-parse", line) for line in lines] == [second, first]


def test_locks_that_a_killed_git_left_stop_no_night(repo: Path) -> None:
    first = _night(repo, "one")
    for name in ("palate-index.lock", "palate-index", "refs/heads/nights.lock"):
        (repo / ".git" / name).write_bytes(b"torn")
    second = _night(repo, "two")
    assert _git(repo, "rev-parse", "nights", "nights~1").split() == [second, first]
    assert not list(repo.glob(".git/**/*.lock"))


@pytest.mark.parametrize("content", GARBAGE)
def test_a_torn_lock_of_dvc_is_removed(repo: Path, content: bytes) -> None:
    lock = repo / ".dvc" / "tmp" / "rwlock"
    lock.write_bytes(content)
    _look(repo)
    assert not lock.exists()


def test_a_lock_of_dvc_whose_number_another_process_has_stops_no_night(repo: Path) -> None:
    lock = repo / ".dvc" / "tmp" / "rwlock"
    # A process that was given the number anew, and one that is the one of the entry.
    arguments = ["-c", "import time; time.sleep(60)", *COMMAND.split()[1:]]
    with subprocess.Popen([sys.executable, *arguments]) as process:
        dead = {"pid": os.getpid(), "cmd": COMMAND}
        alive = {"pid": process.pid, "cmd": COMMAND}
        lock.write_text(json.dumps({"read": {"a": [dead, alive], "b": [dead]}, "write": {"c": dead}}))
        _look(repo)
        process.kill()
    assert json.loads(lock.read_text()) == {"read": {"a": [alive]}, "write": {}}


@pytest.mark.parametrize(
    "content", [b"", b"sta", b"stages:\n  a:\n    cmd: [", b"outs:\n- md5: 12", b"\xff\xfe"]
)
def test_what_dvc_recorded_is_removed_where_it_is_torn(repo: Path, content: bytes) -> None:
    (repo / "data").mkdir()
    whole = {
        "dvc.lock": "schema: '2.0'\nstages:\n  check:\n    cmd: check\n",
        "data/events.dvc": f"outs:\n- md5: {'0' * 32}.dir\n  size: 1\n  hash: md5\n  path: events\n",
    }
    for name, text in whole.items():
        (repo / name).write_text(text)
    _look(repo)
    assert {name: (repo / name).read_text() for name in whole} == whole
    for name in whole:
        (repo / name).write_bytes(content)
    _look(repo)
    assert not (repo / "dvc.lock").exists()
    assert not content or not (repo / "data/events.dvc").exists()  # DVC takes an empty one
