"""git: commits manifests to the branch that Argo CD or Flux follows."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.domain.errors import StageFailed

_AUTHOR = ("-c", "user.name=Palate", "-c", "user.email=palate@localhost")
_LAST_WORDS = 40


def commit(repository: str, branch: str, files: Mapping[str, str], message: str) -> str:
    """Commits files to a branch and pushes it, without ever rewriting the branch.

    Args:
        repository: Address or folder of the repository, to which git can push without asking for a password.
        branch: Name of the branch; created without history if it is missing.
        files: Texts by path in the branch; other files stay.

    Returns:
        Hash of the commit that holds these files: the branch's tip if they were there already.

    Raises:
        StageFailed: git could not reach the repository, or somebody pushed meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _git(work, "init", "-q")
        if _git(work, "ls-remote", "--heads", repository, f"refs/heads/{branch}"):
            _git(work, "fetch", "-q", "--depth", "1", repository, f"refs/heads/{branch}")
            _git(work, "checkout", "-q", "--detach", "FETCH_HEAD")
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
        _git(work, "add", "-A")
        if _git(work, "status", "--porcelain"):
            _git(work, *_AUTHOR, "commit", "-q", "-m", message)
            _git(work, "push", "-q", repository, f"HEAD:refs/heads/{branch}")
        return _git(work, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if process.returncode:
        words = " ".join(process.stderr.split()[-_LAST_WORDS:])
        raise StageFailed(f"`git {arguments[0]}` of the manifests ended with {process.returncode}: {words}")
    return process.stdout.strip()
