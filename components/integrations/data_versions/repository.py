"""Checks first whether git and DVC work in a clone: a night that cannot be committed would be lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from dvc.exceptions import DvcException
from dvc.schema import COMPILED_LOCKFILE_SCHEMA, COMPILED_SINGLE_STAGE_SCHEMA
from dvc.utils import strictyaml

from components.domain.errors import StageFailed
from components.integrations.data_versions.dvc_commands import REMOTE, dvc
from components.integrations.data_versions.nights_branch import NIGHTS_BRANCH, git, worktrees

logger = logging.getLogger(__name__)


def ensure_repository(repo: Path, state: Path) -> None:
    """Checks that git and DVC can work here, and creates the folder of DVC's default remote.

    Args:
        state: Folder below which the remote lies.

    Raises:
        StageFailed: The folder is not a git repository with DVC, git does not trust it, it has no commit,
            or the branch `nights` is checked out.
    """
    if not (repo / ".dvc").is_dir() or not (repo / ".git").exists():
        raise StageFailed(f"'{repo}' is not a git repository with DVC in it: run Palate from its own clone.")
    _check_git(repo)
    _end_dead_locks(repo / ".dvc" / "tmp" / "rwlock")
    _remove_torn_records(repo)
    remote = state / REMOTE
    remote.mkdir(parents=True, exist_ok=True)
    if state != repo / ".palate":  # .dvc/config names this folder
        dvc(repo, "config", "--local", "remote.local.url", str(remote))


def _check_git(repo: Path) -> None:
    """Checks that a night can be committed here."""
    try:
        git(repo, "rev-parse", "--git-dir")
    except StageFailed as error:
        if "dubious ownership" not in str(error):
            raise
        raise StageFailed(
            f"git does not trust '{repo}', which belongs to another user: "
            f"`git config --global --add safe.directory '{repo}'`, then run again."
        ) from error
    if not git(repo, "rev-parse", "--verify", "--quiet", "HEAD", check=False):
        raise StageFailed(
            f"'{repo}' has no commit yet, beside which nights could be committed: `git add -A` and "
            "`git commit -m start`, then run again."
        )
    for facts in worktrees(repo):
        if facts.get("branch") == f"refs/heads/{NIGHTS_BRANCH}":
            raise StageFailed(
                f"The branch {NIGHTS_BRANCH} is checked out in '{facts['worktree']}', where a night would "
                "move it: `git switch` to another branch there, then run again."
            )


def _end_dead_locks(path: Path) -> None:
    """Removes ended processes from DVC's list of who reads and writes what; removes a torn list.

    DVC only checks whether a process has the number (DVC 3.67). After a restart, or in another container,
    that is another process, and the list would block every night.
    """
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        readers = {
            file: [entry for entry in entries if _is_running(entry)]
            for file, entries in lock.get("read", {}).items()
        }
        writers = {file: entry for file, entry in lock.get("write", {}).items() if _is_running(entry)}
    except FileNotFoundError:
        return
    except (ValueError, LookupError, TypeError, AttributeError):
        logger.warning("%s was torn, and is removed: DVC makes it again", path)
        path.unlink()
        return
    running = {"read": {file: entries for file, entries in readers.items() if entries}, "write": writers}
    if running != {"read": lock.get("read", {}), "write": lock.get("write", {})}:
        logger.warning("%s named processes that ended: they are taken out", path)
        path.write_text(json.dumps(running), encoding="utf-8")


def _is_running(entry: Mapping[str, Any]) -> bool:
    """Tells whether the process with this number runs the command of the entry."""
    command = str(entry["cmd"]).split()[1:]  # its program is written in another way than on the command line
    try:
        arguments: list[str] = psutil.Process(int(entry["pid"])).cmdline()
    except psutil.Error:
        return False
    return arguments[-len(command) :] == command


def _remove_torn_records(repo: Path) -> None:
    """Removes DVC's records that a full disk or a crash has torn, since DVC stops at them.

    Nothing is lost: DVC hashes the folders anew, and restores the stages' results from its cache.
    """
    records = {repo / "dvc.lock": COMPILED_LOCKFILE_SCHEMA}
    records |= dict.fromkeys(repo.glob("*/*.dvc"), COMPILED_SINGLE_STAGE_SCHEMA)
    for path in filter(Path.is_file, records):
        try:
            strictyaml.load(str(path), records[path])
        except DvcException:
            logger.warning("%s was torn, and is removed: DVC makes it again", path)
            path.unlink()
