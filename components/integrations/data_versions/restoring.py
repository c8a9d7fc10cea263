"""Restores a past night into a folder of its own: code, params, data and models, from git and the remote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations.data_versions.dvc_commands import REMOTE, dvc
from components.integrations.data_versions.nights_branch import NIGHTS_BRANCH, git


def restore(repo: Path, state: Path, night: str, folder: Path) -> str:
    """Writes a night's files to a new folder, a worktree of git that shares DVC's cache and remote.

    Args:
        state: Folder below which the default remote lies.
        night: A commit of the branch `nights`, or a day as YYYY-MM-DD, which means its last night.

    Returns:
        The commit.

    Raises:
        NotFound: There is no such night.
        StageFailed: The folder exists, or the night's data is gone.
    """
    commit = _commit_of(repo, night)
    if folder.exists():
        raise StageFailed(f"'{folder}' exists already: name another, as in `make restore NIGHT=… TO=…`.")
    settings = _local_settings(repo, state)
    git(repo, "worktree", "prune")
    git(repo, "worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        for name, value in settings.items():
            dvc(folder, "config", "--local", name, value)
        dvc(folder, "pull", "--force", *_recorded(folder))
    except StageFailed as error:
        git(repo, "worktree", "remove", "--force", str(folder))
        raise StageFailed(
            f"Night {commit[:12]} cannot be brought back: DVC's cache and its remote lack some of its data, "
            f"or that remote does not answer: {error}"
        ) from error
    return commit


def _commit_of(repo: Path, night: str) -> str:
    options = "--format=%H %cd", "--date=format-local:%Y-%m-%d", "--grep=^Night:"
    for line in git(repo, "log", *options, NIGHTS_BRANCH, check=False).splitlines():
        commit, day = line.split()
        if night == day or (len(night) >= 7 and commit.startswith(night)):
            return commit
    raise NotFound(
        f"There is no night '{night}' on the branch {NIGHTS_BRANCH}: `git log {NIGHTS_BRANCH}` lists them, "
        "and a night that `make forget HISTORY=1` removed is gone for good."
    )


def _local_settings(repo: Path, state: Path) -> dict[str, str]:
    """Collects DVC's settings that only this clone has: the user's, its cache, and its default remote."""
    local = repo / ".dvc" / "config.local"
    listed = dvc(repo, "config", "--list", "--local").splitlines() if local.exists() else []
    settings = dict(line.split("=", 1) for line in listed if "=" in line)
    return {
        "remote.local.url": str(state / REMOTE),
        "cache.dir": str(repo / ".dvc" / "cache"),
        **settings,
    }


def _recorded(folder: Path) -> list[str]:
    """Lists what the night has in the remote: its pointers, and the stages whose outputs are pushed."""
    lock, stages = folder / "dvc.lock", _yaml(folder / "dvc.yaml")["stages"]
    ran = _yaml(lock)["stages"] if lock.exists() else {}
    pointers = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.dvc"))
    return [*pointers, *(name for name in ran if _is_pushed(stages.get(name, {})))]


def _is_pushed(stage: Mapping[str, Any]) -> bool:
    settings = [value for out in stage.get("outs", ()) if isinstance(out, dict) for value in out.values()]
    return all(each.get("push", True) for each in settings)


def _yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
