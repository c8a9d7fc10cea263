"""Removes what only old nights need: their copies in DVC's cache and remote, or all of their history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.integrations.data_versions.dvc_commands import dvc
from components.integrations.data_versions.nights_branch import (
    NIGHTS_BRANCH,
    begin_anew,
    commits_of_last,
    copies_of_nights,
    file_at,
    git,
    night_before,
    worktrees,
)


def forget_copies(repo: Path, nights: int, commits: Mapping[str, str], *, remote: bool = False) -> bool:
    """Removes objects from DVC's cache unless the working tree, the last nights or a tag of git names them.

    Args:
        commits: Further commits whose objects stay, by a name for each.
        remote: Whether to remove them from the default remote as well.

    Returns:
        Whether anything was removed.
    """
    if night_before(repo, nights) is None:
        return False
    commits_back = str(commits_of_last(repo, nights))
    choice = ("--workspace", "--rev", NIGHTS_BRANCH, "--num", commits_back, "--all-tags")
    with _tagged(repo, commits):
        words = dvc(repo, "gc", *choice, *(["--cloud"] if remote else []), "--force")
    return ("objects from remote" if remote else "Removed") in words


@contextmanager
def _tagged(repo: Path, commits: Mapping[str, str]) -> Iterator[None]:
    """Tags commits within the block, since DVC takes one branch and all tags, but no list of commits."""
    tags = {f"refs/tags/palate-{name}": commit for name, commit in commits.items()}
    try:
        for tag, commit in tags.items():
            if file_at(repo, commit, "dvc.yaml"):
                git(repo, "update-ref", tag, commit)
        yield
    finally:
        for tag in tags:
            git(repo, "update-ref", "-d", tag, check=False)


def pack(repo: Path) -> None:
    """Makes git pack loose objects once there are many, as it does after a person's commit."""
    git(repo, "gc", "--auto", "--quiet", check=False)


def forget_history(repo: Path, paths: Sequence[str], message: str) -> None:
    """Replaces the branch `nights` by one commit of the present files, and removes older data and commits.

    Git drops what no branch, tag or stash leads to. DVC drops from cache and remote what nothing in the
    working tree names.

    Args:
        paths: As for `commit_night`.
    """
    _remove_restored(repo)
    begin_anew(repo, paths, message)
    for copy in copies_of_nights(repo):
        git(repo, "update-ref", "-d", copy)
    dvc(repo, "gc", "--workspace", "--cloud", "--force", "--quiet")
    git(repo, "gc", "--quiet", "--prune=now")


def _remove_restored(repo: Path) -> None:
    """Removes the folders of restored nights, which hold their data and keep their commits alive."""
    nights = set(git(repo, "rev-list", "--first-parent", NIGHTS_BRANCH, check=False).splitlines())
    for facts in worktrees(repo):
        if "detached" in facts and facts["HEAD"] in nights and Path(facts["worktree"]) != repo:
            git(repo, "worktree", "remove", "--force", facts["worktree"])
