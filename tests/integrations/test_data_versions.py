"""A real git and DVC repository in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.domain.errors import StageFailed
from components.integrations import data_versions
from tests.conftest import REPO


def _git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=repo, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
    data_versions.push(repo)
    return data_versions.commit_night(repo, ["data/events.dvc", "dvc.lock", "missing"], text.strip())


def test_a_past_nights_data_comes_back_by_dvc_checkout_even_from_the_remote_alone(repo: Path) -> None:
    first = _night(repo, "first night\n")
    _night(repo, "second night\n")
    shutil.rmtree(repo / ".dvc" / "cache")
    _git(repo, "restore", f"--source={first}", "data/events.dvc")
    data_versions.dvc(repo, "fetch", "data/events.dvc")
    data_versions.dvc(repo, "checkout", "--force", "data/events.dvc")
    assert (repo / "data/events/a").read_text() == "first night\n"


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


def test_a_failing_command_is_named_with_its_code_and_last_words(repo: Path) -> None:
    with pytest.raises(StageFailed, match=r"`dvc repro nothing` ended with 255: .*nothing"):
        data_versions.dvc(repo, "repro", "nothing")


def test_dvc_itself_decides_what_is_stale(repo: Path) -> None:
    assert "Running stage 'copy'" in data_versions.dvc(repo, "repro", "copy")
    assert "didn't change" in data_versions.dvc(repo, "repro", "copy")
    (repo / "data/events/a").write_text("changed\n")
    assert "Running stage 'copy'" in data_versions.dvc(repo, "repro", "copy")


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="not a git repository with DVC"):
        data_versions.ensure_repository(tmp_path, tmp_path)


def test_the_commit_says_whether_tracked_files_differ(repo: Path) -> None:
    assert not data_versions.git_sha(repo).endswith("-dirty")
    (repo / "dvc.yaml").write_text("stages: {}\n")
    assert data_versions.git_sha(repo).endswith("-dirty")
