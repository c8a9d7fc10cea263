"""DVC and git: data versions, stages, and the branch `nights` with one commit for each night.

Both tools run as subprocesses in the repository's folder: DVC's Python API depends on the process's working
directory, and does not find earlier results of stages that are named by absolute paths (DVC 3.67).
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from components.domain.errors import NotFound, StageFailed

logger = logging.getLogger(__name__)

NIGHTS_BRANCH = "nights"
_LAST_WORDS = 12  # lines of a failed command's output that the error message repeats


def dvc(
    repo: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], object] = str,
    failure_prefix: str = "",
) -> str:
    """Runs one DVC command and returns its output.

    If stderr is a terminal the command writes to it directly, so that the progress bar of a stage works.

    Args:
        repo: Root of the repository.
        arguments: Arguments of `dvc`.
        env: Environment variables besides those of this process.
        on_line: Function that receives each line of output as soon as it is written.
        failure_prefix: Start of the line in which a failed stage says why; empty where no stage does.

    Raises:
        StageFailed: The command failed: the stage's sentence, or else the command, its exit code and its last
            lines.
    """
    lines, exit_code = _stream([sys.executable, "-m", "dvc", *arguments], repo, env or {}, on_line)
    if exit_code:
        sentence = _stage_sentence(lines, failure_prefix)
        words = " | ".join(line for line in lines[-_LAST_WORDS:] if line)
        raise StageFailed(sentence or f"`dvc {' '.join(arguments)}` ended with {exit_code}: {words}")
    return "\n".join(lines)


def _stream(
    command: list[str], repo: Path, env: Mapping[str, str], on_line: Callable[[str], object]
) -> tuple[list[str], int]:
    """Runs a command, passes each line of its output on, and returns all lines and the exit code."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=repo,
        env={**os.environ, "PATH": _path_with_this_python(), **env},
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.PIPE,  # never written to; it closes when this process dies, and a stage may watch it
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            on_line(line.rstrip())
    return lines, process.returncode


def _stage_sentence(lines: Sequence[str], prefix: str) -> str | None:
    """The sentence in which a failed stage says why; None where it says nothing."""
    sentences = [line.removeprefix(prefix) for line in lines if prefix and line.startswith(prefix)]
    return sentences[-1] if sentences else None


def _path_with_this_python() -> str:
    """PATH on which `python`, as dvc.yaml calls it, is the one that runs this process."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def ensure_repository(repo: Path, state: Path) -> None:
    """Checks that DVC can work here, and creates the folder of its default remote.

    Args:
        repo: Root of the repository.
        state: Folder below which the remote lies.

    Raises:
        StageFailed: The folder is no git repository with DVC in it.
    """
    if not (repo / ".dvc").is_dir() or not (repo / ".git").exists():
        raise StageFailed(f"'{repo}' is not a git repository with DVC in it: run Palate from its own clone.")
    remote = state / "dvc-remote"
    remote.mkdir(parents=True, exist_ok=True)
    if state != repo / ".palate":  # .dvc/config names this folder
        dvc(repo, "config", "--local", "remote.local.url", str(remote))


def add(repo: Path, *folders: str) -> dict[str, str]:
    """Puts folders under DVC and returns the hash of each, by folder; it is the data version."""
    dvc(repo, "add", *folders)
    return {folder: pointer_md5(repo / f"{folder}.dvc") for folder in folders}


def pointer_md5(pointer: Path) -> str:
    """The hash in a .dvc file."""
    md5: str = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"]
    return md5


def default_remote(repo: Path) -> str:
    """Address or path of DVC's default remote; empty where there is none."""
    for line in dvc(repo, "remote", "list").splitlines():
        name, _, address = line.removesuffix("(default)").strip().partition("\t")
        if name and line.endswith("(default)"):
            return address.strip()
    return ""


def push(repo: Path) -> None:
    """Uploads to the default remote what it does not have yet."""
    dvc(repo, "push")


def git_sha(repo: Path) -> str:
    """The commit that is checked out, followed by `-dirty` if tracked files differ from it."""
    sha = _git(repo, "rev-parse", "HEAD")
    return sha + ("-dirty" if _git(repo, "status", "--porcelain", "--untracked-files=no") else "")


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
    tip = _git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    if tip and _git(repo, "rev-parse", f"{tip}^{{tree}}") == tree:
        return tip
    head = _git(repo, "rev-parse", "HEAD")
    parents = ["-p", tip or head]
    if tip and not _is_ancestor(repo, head, tip):
        parents += ["-p", head]
    commit = _git(repo, *_identity(repo), "commit-tree", tree, *parents, "-m", message)
    _git(repo, "update-ref", f"refs/heads/{NIGHTS_BRANCH}", commit, tip or "0" * 40)
    return commit


def _tree_with(repo: Path, paths: Sequence[str]) -> str:
    """The git tree of HEAD's files and of `paths` as they are now."""
    index = repo / ".git" / "palate-index"
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        _git(repo, "read-tree", "HEAD", env=env)
        _git(repo, "add", "--force", "--", *[path for path in paths if (repo / path).exists()], env=env)
        return _git(repo, "write-tree", env=env)
    finally:
        index.unlink(missing_ok=True)


def _is_ancestor(repo: Path, commit: str, descendant: str) -> bool:
    command = ["git", "merge-base", "--is-ancestor", commit, descendant]
    return subprocess.run(command, cwd=repo, check=False).returncode == 0


def file_at(repo: Path, commit: str, path: str) -> str:
    """A file's text in a commit; empty where this clone lacks the commit or the commit lacks the file."""
    return _git(repo, "show", f"{commit}:{path}", check=False)


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
    log = _git(repo, "log", f"-{count}", "--first-parent", "--format=%cd  %s", "--date=iso-local",
               "--grep=^Night:", NIGHTS_BRANCH, check=False)  # fmt: skip
    return log.splitlines()


def _identity(repo: Path) -> list[str]:
    """Options that name Palate as the author on machines where git has none."""
    if _git(repo, "config", "user.email", check=False):
        return []
    return ["-c", "user.name=Palate", "-c", "user.email=palate@localhost"]


def _git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    process = subprocess.run(
        ["git", *arguments],
        cwd=repo,
        env={**os.environ, **(env or {})},
        text=True,
        capture_output=True,
        check=False,
    )
    if process.returncode and check:
        words = process.stderr.strip()
        raise StageFailed(f"`git {' '.join(arguments)}` ended with {process.returncode}: {words}")
    return process.stdout.strip()


def versions_of(repo: Path, path: str) -> dict[str, list[str]]:
    """The commits of the branch `nights` by the hash of a folder under DVC, newest commit first."""
    commits: dict[str, list[str]] = {}
    log = _git(repo, "log", "--format=%H", NIGHTS_BRANCH, "--", f"{path}.dvc", check=False)
    for commit in log.splitlines():
        pointer = file_at(repo, commit, f"{path}.dvc")
        if pointer:
            commits.setdefault(yaml.safe_load(pointer)["outs"][0]["md5"], []).append(commit)
    return commits


def cached(repo: Path, folder_md5: str, name: str) -> Path | None:
    """A file of a version of a folder in DVC's cache; None where the cache lacks it."""
    cache = repo / ".dvc" / "cache" / "files" / "md5"
    listing = cache / folder_md5[:2] / folder_md5[2:]
    if not listing.exists():
        return None
    entries = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_text(encoding="utf-8"))}
    md5 = entries.get(name, "")
    file = cache / md5[:2] / md5[2:]
    return file if md5 and file.exists() else None


def forget_history(repo: Path, paths: Sequence[str], message: str) -> None:
    """Makes the branch `nights` one commit of what is here now, and removes all else that DVC and git stored.

    Git also drops what no branch, tag or stash leads to; DVC drops from cache and remote what nothing in the
    working tree names.

    Args:
        repo: Root of the repository.
        paths: As for `commit_night`.
        message: Message of the commit.
    """
    tree = _tree_with(repo, paths)
    commit = _git(repo, *_identity(repo), "commit-tree", tree, "-m", message)
    _git(repo, "update-ref", f"refs/heads/{NIGHTS_BRANCH}", commit)
    _git(repo, "reflog", "expire", "--expire=now", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    dvc(repo, "gc", "--workspace", "--cloud", "--force", "--quiet")
    _git(repo, "gc", "--quiet", "--prune=now")
