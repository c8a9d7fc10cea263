"""DVC and git: data versions, stages and the branch that remembers every night.

Both tools run as subprocesses with the repository as working directory: DVC's Python API depends on the
process-wide working directory and loses the run cache with absolute targets (DVC 3.67).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from components.domain.errors import StageFailed

logger = logging.getLogger(__name__)

NIGHTS_BRANCH = "nights"
_LAST_WORDS = 12  # lines of a failed command's output that its error message repeats


def dvc(
    repo: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], object] = str,
    failure_prefix: str = "",
) -> str:
    """Runs one DVC command and returns its output; every line is also given to `on_line` as it comes.

    Where our stderr is a terminal the command's is the same one, so that a stage's progress bar works.

    Args:
        repo: The repository's root.
        arguments: Of `dvc`.
        env: Added to the environment.
        on_line: Sees each line of output.
        failure_prefix: Begins the line in which a failed stage says why.

    Raises:
        StageFailed: The stage's own sentence, or the command, its exit code and its last words.
    """
    command = [sys.executable, "-m", "dvc", *arguments]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=repo,
        env={**os.environ, "PATH": _path_with_this_python(), **(env or {})},
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.PIPE,  # never written to: it closes when we die, and a stage may watch it
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            on_line(line.rstrip())
    if process.returncode:
        told = [
            line.removeprefix(failure_prefix)
            for line in lines
            if failure_prefix and line.startswith(failure_prefix)
        ]
        words = " | ".join(line for line in lines[-_LAST_WORDS:] if line)
        raise StageFailed(
            told[-1] if told else f"`dvc {' '.join(arguments)}` ended with {process.returncode}: {words}"
        )
    return "\n".join(lines)


def _path_with_this_python() -> str:
    """dvc.yaml says `python`: it must be the one that runs the night, also in no active environment."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def ensure_repository(repo: Path, state: Path) -> None:
    """Checks that DVC can work here and that its default remote's folder exists, below `state`.

    Raises:
        StageFailed: The folder is no git and DVC repository.
    """
    if not (repo / ".dvc").is_dir() or not (repo / ".git").exists():
        raise StageFailed(f"'{repo}' is not a git repository with DVC in it: run Palate from its own clone.")
    remote = state / "dvc-remote"
    remote.mkdir(parents=True, exist_ok=True)
    if state != repo / ".palate":  # where .dvc/config has it
        dvc(repo, "config", "--local", "remote.local.url", str(remote))


def add(repo: Path, *folders: str) -> dict[str, str]:
    """Puts folders under DVC and returns each one's hash (the data version)."""
    dvc(repo, "add", *folders)
    return {folder: pointer_md5(repo / f"{folder}.dvc") for folder in folders}


def pointer_md5(pointer: Path) -> str:
    """The hash that a .dvc file points at."""
    md5: str = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"]
    return md5


def push(repo: Path) -> None:
    """Uploads what the default remote lacks."""
    dvc(repo, "push")


def git_sha(repo: Path) -> str:
    """The commit that is checked out, with `-dirty` where tracked files differ from it."""
    sha = _git(repo, "rev-parse", "HEAD")
    return sha + ("-dirty" if _git(repo, "status", "--porcelain", "--untracked-files=no") else "")


def commit_night(repo: Path, paths: Sequence[str], message: str) -> str:
    """Commits the night's pointers and reports to `nights`, without touching index or working tree.

    The commit's tree is the checked-out commit's plus `paths` as they are now, so `dvc checkout`, `dvc
    metrics diff` and `git log` work on it. A night that changed nothing makes no commit.

    Returns:
        The commit that holds this night.
    """
    index = repo / ".git" / "palate-index"
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        _git(repo, "read-tree", "HEAD", env=env)
        _git(repo, "add", "--force", "--", *[path for path in paths if (repo / path).exists()], env=env)
        tree = _git(repo, "write-tree", env=env)
    finally:
        index.unlink(missing_ok=True)
    tip = _git(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{NIGHTS_BRANCH}", check=False)
    if tip and _git(repo, "rev-parse", f"{tip}^{{tree}}") == tree:
        return tip
    head = _git(repo, "rev-parse", "HEAD")
    parents = ["-p", tip or head]
    if (
        tip
        and subprocess.run(
            ["git", "merge-base", "--is-ancestor", head, tip], cwd=repo, check=False
        ).returncode
    ):
        parents += ["-p", head]
    commit = _git(repo, *_identity(repo), "commit-tree", tree, *parents, "-m", message)
    _git(repo, "update-ref", f"refs/heads/{NIGHTS_BRANCH}", commit, tip or "0" * 40)
    return commit


def file_at(repo: Path, commit: str, path: str) -> str:
    """A file's text as that commit has it; empty where the commit or the file is not here."""
    return _git(repo, "show", f"{commit}:{path}", check=False)


def fetch(repo: Path, path: str, commit: str, target: Path) -> None:
    """Writes what DVC keeps under a path, as of a commit, to `target`; from the cache or the remote."""
    if not file_at(repo, commit, f"{path}.dvc"):
        raise StageFailed(
            f"Commit {commit} is not in this clone: `git fetch origin {NIGHTS_BRANCH}:{NIGHTS_BRANCH}`."
        )
    dvc(repo, "get", ".", path, "--rev", commit, "--out", str(target))


def last_nights(repo: Path, count: int) -> list[str]:
    """When each of the last nights was and what it said, newest first."""
    said = _git(repo, "log", f"-{count}", "--first-parent", "--format=%cd  %s", "--date=iso-local",
                "--grep=^Night:", NIGHTS_BRANCH, check=False)  # fmt: skip
    return said.splitlines()


def _identity(repo: Path) -> list[str]:
    """An author for machines where git has none; never an invented person's name."""
    if _git(repo, "config", "user.email", check=False):
        return []
    return ["-c", "user.name=Palate", "-c", "user.email=palate@localhost"]


def _git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=repo,
        env={**os.environ, **(env or {})},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode and check:
        raise StageFailed(f"`git {' '.join(arguments)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()
