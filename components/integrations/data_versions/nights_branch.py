"""The branch `nights`: one commit for each night, with its pointers and reports, beside the user's work."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations.data_versions.dvc_commands import dvc
from components.integrations.data_versions.integrity import listed

logger = logging.getLogger(__name__)
NIGHTS_BRANCH = "nights"
LOCK_MS = 2000  # git holds a lock for milliseconds


def git_sha(repo: Path) -> str:
    """Looks up the commit that is checked out, followed by `-dirty` if tracked files differ from it."""
    sha = git(repo, "rev-parse", "HEAD")
    return sha + ("-dirty" if git(repo, "status", "--porcelain", "--untracked-files=no") else "")


def commit_night(repo: Path, paths: Sequence[str], message: str) -> str:
    """Commits files to the branch `nights` without touching git's index, the working tree or HEAD.

    The commit holds all files of the checked-out commit, and `paths` as they are in the working tree, so that
    `dvc checkout`, `dvc metrics diff` and `git log` work on it. No commit is made where nothing changed.

    Args:
        paths: Pointers and reports of the night; those that do not exist are left out.

    Returns:
        The commit with these files, new or not.
    """
    tree = _tree_with(repo, paths)
    tip = _tip(repo)
    if tip and git(repo, "rev-parse", f"{tip}^{{tree}}") == tree:
        return tip
    head = git(repo, "rev-parse", "HEAD")
    parents = ["-p", tip or head]
    if tip and not _is_ancestor(repo, head, tip):
        parents += ["-p", head]
    commit = git(repo, *_identity(repo), "commit-tree", tree, *parents, "-m", message)
    _move_branch(repo, commit, tip)
    return commit


def begin_anew(repo: Path, paths: Sequence[str], message: str) -> None:
    """Replaces the branch `nights` by one commit without a parent; takes the arguments of `commit_night`."""
    commit = git(repo, *_identity(repo), "commit-tree", _tree_with(repo, paths), "-m", message)
    _move_branch(repo, commit, _tip(repo))
    git(repo, "reflog", "expire", "--expire=now", f"refs/heads/{NIGHTS_BRANCH}", check=False)


def _tip(repo: Path) -> str:
    """Looks up the last night's commit; empty before the first night."""
    return git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)


def _move_branch(repo: Path, commit: str, before: str) -> None:
    """Moves the branch `nights`; removes git's lock if it lasts, since a killed git then left it.

    Args:
        commit: Commit to which the branch leads from now on.
        before: Commit to which it leads now; empty where there is no such branch.
    """
    branch = f"refs/heads/{NIGHTS_BRANCH}"
    timeout = ("-c", f"core.filesRefLockTimeout={LOCK_MS}")
    move = (*timeout, "update-ref", branch, commit, before or "0" * 40)
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
    """Writes the git tree of HEAD's files and of `paths` as they are now, and returns its hash."""
    index = _git_file(repo, "palate-index")
    lock = index.with_name(f"{index.name}.lock")  # of a killed night: no other uses this index
    lock.unlink(missing_ok=True)
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        git(repo, "read-tree", "HEAD", env=env)
        git(repo, "add", "--force", "--", *[path for path in paths if (repo / path).exists()], env=env)
        return git(repo, "write-tree", env=env)
    finally:
        index.unlink(missing_ok=True)


def _git_file(repo: Path, name: str) -> Path:
    """Asks git for the path of one of its own files, which lie elsewhere in a worktree."""
    return repo / git(repo, "rev-parse", "--git-path", name)


def _is_ancestor(repo: Path, commit: str, descendant: str) -> bool:
    command = ["git", "merge-base", "--is-ancestor", commit, descendant]
    return subprocess.run(command, cwd=repo, check=False).returncode == 0


def file_at(repo: Path, commit: str, path: str) -> str:
    """Reads a file's text in a commit.

    The text is empty where this clone lacks the commit or the commit lacks the file.
    """
    return git(repo, "show", f"{commit}:{path}", check=False)


def fetch(repo: Path, path: str, commit: str, target: Path) -> None:
    """Writes a version of a folder under DVC to `target`, from DVC's cache or its remote.

    Args:
        commit: Commit whose version is written.

    Raises:
        NotFound: This clone does not have the commit.
        StageFailed: DVC failed; the message has its last lines.
    """
    if not file_at(repo, commit, f"{path}.dvc"):
        raise NotFound(
            f"Commit {commit} is not in this clone: `git fetch origin {NIGHTS_BRANCH}:{NIGHTS_BRANCH}`."
        )
    dvc(repo, "get", ".", path, "--rev", commit, "--out", str(target))


def last_nights(repo: Path, count: int) -> list[str]:
    """Lists local time and message of the last nights' commits, one line for each night, newest first."""
    log = git(repo, "log", f"-{count}", "--first-parent", "--format=%cd  %s", "--date=iso-local",
               "--grep=^Night:", NIGHTS_BRANCH, check=False)  # fmt: skip
    return log.splitlines()


def _identity(repo: Path) -> list[str]:
    """Builds options that name Palate as the author, on machines where git knows no author."""
    palate = {"user.name": "Palate", "user.email": "palate@localhost"}
    missing = {key: value for key, value in palate.items() if not git(repo, "config", key, check=False)}
    return [part for key, value in missing.items() for part in ("-c", f"{key}={value}")]


def git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Runs one git command and returns its output without the final line break.

    Args:
        check: Whether a failure raises; otherwise the output up to the failure is returned.

    Raises:
        StageFailed: The command failed; the message has what it wrote to stderr.
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
    """Lists the commits of the branch `nights` by the hash of a folder under DVC, newest commit first."""
    commits: dict[str, list[str]] = {}
    log = git(repo, "log", "--format=%H", NIGHTS_BRANCH, "--", f"{path}.dvc", check=False)
    for commit in log.splitlines():
        pointer = file_at(repo, commit, f"{path}.dvc")
        if pointer:
            commits.setdefault(yaml.safe_load(pointer)["outs"][0]["md5"], []).append(commit)
    return commits


def bundle_nights(repo: Path, file: Path) -> None:
    """Writes the branch `nights` with all its objects into one file; without a night, HEAD instead."""
    git(repo, "bundle", "create", "--quiet", str(file), NIGHTS_BRANCH if _tip(repo) else "HEAD")


def fetch_nights(repo: Path, file: Path) -> None:
    """Fetches the branch `nights` from a file of `bundle_nights`.

    Does nothing if the file lacks the branch.
    """
    if NIGHTS_BRANCH in git(repo, "bundle", "list-heads", str(file)):
        git(repo, "fetch", "--quiet", str(file), f"{NIGHTS_BRANCH}:{NIGHTS_BRANCH}")


def restore_pointers(repo: Path, pointers: Sequence[str]) -> None:
    """Restores the last night's pointers, and fetches their data from the remote.

    Raises:
        StageFailed: The remote lacks the data, or a file would be written outside its folder, as DVC allows.
    """
    tip = _tip(repo)
    if tip:
        for pointer in pointers:
            (repo / pointer).write_text(f"{file_at(repo, tip, pointer)}\n", encoding="utf-8")
        dvc(repo, "fetch", *pointers)
        for pointer in pointers:
            _check_targets(repo, pointer)
        dvc(repo, "checkout", "--force", *pointers)


def _check_targets(repo: Path, pointer: str) -> None:
    outs = (yaml.safe_load((repo / pointer).read_text(encoding="utf-8")) or {}).get("outs", ())
    files = [file["relpath"] for out in outs for file in listed(repo, out["md5"]) or ()]
    targets = [out["path"] for out in outs if out["path"] != Path(pointer).stem]
    targets += [name for name in files if {"..", "/"} & set(Path(name).parts)]
    if targets:
        (repo / pointer).unlink()
        raise StageFailed(f"{pointer} would write to '{targets[0]}', outside its folder: trust it no more.")


def worktrees(repo: Path) -> list[dict[str, str]]:
    """Lists what git says of each folder where something of the repository is checked out, this one first."""
    entries = git(repo, "worktree", "list", "--porcelain").split("\n\n")
    return [dict(line.partition(" ")[::2] for line in entry.splitlines()) for entry in entries]


def copies_of_nights(repo: Path) -> list[str]:
    """Lists git's copies of other repositories' branches `nights`, such as refs/remotes/origin/nights."""
    return git(repo, "for-each-ref", "--format=%(refname)", f"refs/remotes/*/{NIGHTS_BRANCH}").splitlines()


def commits_of_last(repo: Path, nights: int) -> int:
    """Counts the commits from the branch's end to the first of the last nights; erasures are commits, too."""
    subjects = git(repo, "log", "--first-parent", "--format=%s", NIGHTS_BRANCH, check=False).splitlines()
    of_nights = [number for number, subject in enumerate(subjects, 1) if subject.startswith("Night:")]
    return max(of_nights[:nights], default=len(subjects))


def night_before(repo: Path, nights: int) -> datetime | None:
    """Finds when the newest night ended that is older than the last `nights`; None where there is none.

    A night that ended by a clock that was ahead is left out: everything would be older than it.
    """
    choice = ("--first-parent", "--grep=^Night:", "--format=%cI")
    log = git(repo, "log", *choice, NIGHTS_BRANCH, check=False)
    ends = [datetime.fromisoformat(moment) for moment in log.splitlines()]
    last, earlier = ends[:nights], ends[nights:]
    return max((end for end in earlier if end <= min(last, default=end)), default=None)
