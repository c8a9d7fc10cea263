"""The branch `nights`: one commit for each night, with its pointers and reports, beside the user's work."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations.data_versions.dvc_commands import dvc

logger = logging.getLogger(__name__)
NIGHTS_BRANCH = "nights"
LOCK_MS = 2000  # git holds a lock for milliseconds


def git_sha(repo: Path) -> str:
    """The commit that is checked out, followed by `-dirty` if tracked files differ from it."""
    sha = git(repo, "rev-parse", "HEAD")
    return sha + ("-dirty" if git(repo, "status", "--porcelain", "--untracked-files=no") else "")


def commit_night(repo: Path, paths: Sequence[str], message: str) -> str:
    """Commits files to the branch `nights` without touching git's index, the working tree or HEAD.

    The commit holds all files of the checked-out commit, and `paths` as they are in the working tree, so that
    `dvc checkout`, `dvc metrics diff` and `git log` work on it. No commit is made where nothing changed.

    Args:
        repo: Root of the repository.
        paths: Pointers and reports of the night; those that do not exist are left out.
        message: Message of the commit.

    Returns:
        The commit with these files, new or not.
    """
    tree = _tree_with(repo, paths)
    tip = git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    if tip and git(repo, "rev-parse", f"{tip}^{{tree}}") == tree:
        return tip
    head = git(repo, "rev-parse", "HEAD")
    parents = ["-p", tip or head]
    if tip and not _is_ancestor(repo, head, tip):
        parents += ["-p", head]
    commit = git(repo, *_identity(repo), "commit-tree", tree, *parents, "-m", message)
    _move_branch(repo, commit, tip or "0" * 40)
    return commit


def _move_branch(repo: Path, commit: str, before: str) -> None:
    """Moves the branch `nights`; a lock that lasts is one that a killed git left, and is removed."""
    branch = f"refs/heads/{NIGHTS_BRANCH}"
    move = ("-c", f"core.filesRefLockTimeout={LOCK_MS}", "update-ref", branch, commit, before)
    try:
        git(repo, *move)
    except StageFailed:
        lock = _git_file(repo, f"{branch}.lock")
        if not lock.exists():
            raise
        logger.warning("%s was left by a killed git, and is removed", lock)
        lock.unlink()
        git(repo, *move)


def _tree_with(repo: Path, paths: Sequence[str]) -> str:
    """The git tree of HEAD's files and of `paths` as they are now."""
    index = _git_file(repo, "palate-index")
    index.with_name(f"{index.name}.lock").unlink(
        missing_ok=True
    )  # of a killed night: no other uses this index
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        git(repo, "read-tree", "HEAD", env=env)
        git(repo, "add", "--force", "--", *[path for path in paths if (repo / path).exists()], env=env)
        return git(repo, "write-tree", env=env)
    finally:
        index.unlink(missing_ok=True)


def _git_file(repo: Path, name: str) -> Path:
    """Path of one of git's own files, which in a worktree lie elsewhere."""
    return repo / git(repo, "rev-parse", "--git-path", name)


def _is_ancestor(repo: Path, commit: str, descendant: str) -> bool:
    command = ["git", "merge-base", "--is-ancestor", commit, descendant]
    return subprocess.run(command, cwd=repo, check=False).returncode == 0


def file_at(repo: Path, commit: str, path: str) -> str:
    """A file's text in a commit; empty where this clone lacks the commit or the commit lacks the file."""
    return git(repo, "show", f"{commit}:{path}", check=False)


def fetch(repo: Path, path: str, commit: str, target: Path) -> None:
    """Writes a version of a folder under DVC to `target`, from DVC's cache or its remote.

    Args:
        repo: Root of the repository.
        path: Path of the folder in the repository.
        commit: Commit whose version is written.
        target: Path that is created.

    Raises:
        NotFound: This clone does not have the commit.
        StageFailed: DVC failed, with its last lines.
    """
    if not file_at(repo, commit, f"{path}.dvc"):
        raise NotFound(
            f"Commit {commit} is not in this clone: `git fetch origin {NIGHTS_BRANCH}:{NIGHTS_BRANCH}`."
        )
    dvc(repo, "get", ".", path, "--rev", commit, "--out", str(target))


def last_nights(repo: Path, count: int) -> list[str]:
    """Local time and message of the last nights' commits, one line for each night, newest first."""
    log = git(repo, "log", f"-{count}", "--first-parent", "--format=%cd  %s", "--date=iso-local",
               "--grep=^Night:", NIGHTS_BRANCH, check=False)  # fmt: skip
    return log.splitlines()


def _identity(repo: Path) -> list[str]:
    """Options that name Palate as the author on machines where git has none."""
    palate = {"user.name": "Palate", "user.email": "palate@localhost"}
    missing = {key: value for key, value in palate.items() if not git(repo, "config", key, check=False)}
    return [part for key, value in missing.items() for part in ("-c", f"{key}={value}")]


def git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Runs one git command and returns its output without the last line's end.

    Args:
        repo: Root of the repository.
        arguments: Arguments of `git`.
        env: Environment variables besides those of this process.
        check: Whether a failure raises; else its output is what was written before.

    Raises:
        StageFailed: The command failed, with what it wrote to stderr.
    """
    process = subprocess.run(
        ["git", *arguments],
        cwd=repo,
        env={**os.environ, "LC_ALL": "C", **(env or {})},  # its messages are read here
        text=True,
        capture_output=True,
        check=False,
    )
    if process.returncode and check:
        words = " ".join(process.stderr.split())
        raise StageFailed(f"`git {' '.join(arguments)}` ended with {process.returncode}: {words}")
    return process.stdout.strip()


def versions_of(repo: Path, path: str) -> dict[str, list[str]]:
    """The commits of the branch `nights` by the hash of a folder under DVC, newest commit first."""
    commits: dict[str, list[str]] = {}
    log = git(repo, "log", "--format=%H", NIGHTS_BRANCH, "--", f"{path}.dvc", check=False)
    for commit in log.splitlines():
        pointer = file_at(repo, commit, f"{path}.dvc")
        if pointer:
            commits.setdefault(yaml.safe_load(pointer)["outs"][0]["md5"], []).append(commit)
    return commits


def bundle_nights(repo: Path, file: Path) -> None:
    """Writes the branch `nights`, and all that it leads to, into one file; HEAD where there is no night."""
    there = git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    git(repo, "bundle", "create", "--quiet", str(file), NIGHTS_BRANCH if there else "HEAD")


def fetch_nights(repo: Path, file: Path) -> None:
    """Brings the branch `nights` from a file of `bundle_nights`; nothing where it holds none."""
    if NIGHTS_BRANCH in git(repo, "bundle", "list-heads", str(file)):
        git(repo, "fetch", "--quiet", str(file), f"{NIGHTS_BRANCH}:{NIGHTS_BRANCH}")


def restore_pointers(repo: Path, pointers: Sequence[str]) -> None:
    """Brings the last night's pointers back, and what they lead to from the remote."""
    tip = git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    if tip:
        for pointer in pointers:
            (repo / pointer).write_text(f"{file_at(repo, tip, pointer)}\n", encoding="utf-8")
        dvc(repo, "pull", "--force", *pointers)


def night_before(repo: Path, nights: int) -> datetime | None:
    """When the newest night ended that is not one of the last `nights`; None where there is none."""
    choice = ("-1", f"--skip={nights}", "--first-parent", "--grep=^Night:")
    moment = git(repo, "log", *choice, "--format=%cI", NIGHTS_BRANCH, check=False)
    return datetime.fromisoformat(moment) if moment else None


def forget_copies(repo: Path, nights: int, commits: Mapping[str, str], *, remote: bool = False) -> bool:
    """Removes from DVC's cache what neither the working tree, the last nights nor a tag of git names.

    Args:
        repo: Root of the repository.
        nights: Number of nights whose objects stay.
        commits: Further commits whose objects stay, by a name for each.
        remote: Whether it leaves the default remote as well.

    Returns:
        Whether anything was removed.
    """
    if night_before(repo, nights) is None:
        return False
    choice = ("--workspace", "--rev", NIGHTS_BRANCH, "--num", str(nights), "--all-tags")
    with _tagged(repo, commits):
        words = dvc(repo, "gc", *choice, *(["--cloud"] if remote else []), "--force")
    return ("objects from remote" if remote else "Removed") in words


@contextmanager
def _tagged(repo: Path, commits: Mapping[str, str]) -> Iterator[None]:
    """Tags commits for the block, since DVC takes one branch and all tags, but no list of commits."""
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
    """Lets git pack loose objects once there are many, as it does after a person's commit."""
    git(repo, "gc", "--auto", "--quiet", check=False)


def forget_history(repo: Path, paths: Sequence[str], message: str) -> None:
    """Makes the branch `nights` one commit of what is here now, and removes all else that DVC and git stored.

    Git also drops what no branch, tag or stash leads to; DVC drops from cache and remote what nothing in the
    working tree names.

    Args:
        repo: Root of the repository.
        paths: As for `commit_night`.
        message: Message of the commit.
    """
    _remove_restored(repo)
    tree = _tree_with(repo, paths)
    commit = git(repo, *_identity(repo), "commit-tree", tree, "-m", message)
    git(repo, "update-ref", f"refs/heads/{NIGHTS_BRANCH}", commit)
    git(repo, "reflog", "expire", "--expire=now", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    dvc(repo, "gc", "--workspace", "--cloud", "--force", "--quiet")
    git(repo, "gc", "--quiet", "--prune=now")


def _remove_restored(repo: Path) -> None:
    """Removes the folders of restored nights, which hold their data and keep their commits alive."""
    nights = set(git(repo, "rev-list", "--first-parent", NIGHTS_BRANCH, check=False).splitlines())
    for entry in git(repo, "worktree", "list", "--porcelain").split("\n\n"):
        facts = dict(line.partition(" ")[::2] for line in entry.splitlines())
        if "detached" in facts and facts["HEAD"] in nights and Path(facts["worktree"]) != repo:
            git(repo, "worktree", "remove", "--force", facts["worktree"])
