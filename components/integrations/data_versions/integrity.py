"""Checks files against what DVC recorded: here before they are read, and in the remote after a push.

DVC itself compares only a file's size and time, and trusts that whatever a remote lists is whole (DVC 3.67).
Here the bytes are hashed. A damaged file is replaced once from a place that has it whole; if there is none, a
sentence says where the damaged file lies.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5
from dvc_objects.fs.local import LocalFileSystem

from components.domain.errors import StageFailed
from components.files import write_json
from components.integrations.data_versions.dvc_commands import dvc, pointer_md5

logger = logging.getLogger(__name__)
CACHE = Path(".dvc/cache/files/md5")
ANSWER_S = 60
VERIFIED = Path(".dvc/tmp/palate-verified.json")  # size and time of remote objects whose bytes were hashed


@dataclass(frozen=True)
class Recorded:
    """One file as DVC recorded it: its path in the repository, and the md5 of its bytes."""

    path: Path
    md5: str


def default_remote(repo: Path) -> str:
    """Reads the address or path of DVC's default remote; empty where there is none."""
    with _opened(repo) as repository:
        name = repository.config["core"].get("remote")
        return str(repository.config["remote"][name]["url"]) if name else ""


@contextmanager
def _opened(repo: Path) -> Iterator[Repo]:
    """Opens the repository as DVC's objects, which open databases of DVC's own."""
    try:
        with Repo(str(repo)) as repository:
            yield repository
    except sqlite3.Error as error:
        folder = os.environ.get("DVC_SITE_CACHE_DIR", "its site_cache_dir")
        raise StageFailed(
            f"DVC cannot use its databases in {folder}: {error}. Make room on that disk or, if they are "
            "damaged, remove the folder, then run again."
        ) from error


def check_files(repo: Path, paths: Sequence[str]) -> None:
    """Hashes files under DVC, and restores those that differ from what was recorded.

    Args:
        paths: Folders under DVC, or outputs of its stages; skips those that are not recorded yet.

    Raises:
        StageFailed: A file is damaged, and neither the cache nor the remote has it whole.
    """
    for path in paths:
        damaged = _damaged(repo, path)
        if not damaged:
            continue
        logger.warning("%s is not what was recorded: it is brought back", damaged[0].path)
        md5s = [_md5_of(repo, path) or "", *(file.md5 for file in damaged)]
        _remove_damaged_objects(repo, md5s)
        try:
            dvc(repo, "fetch", path)
            for file in damaged:
                if _object(repo, file.md5).exists() and (repo / file.path).is_file():
                    (repo / file.path).unlink()  # DVC would take it for whole by its size and time
            dvc(repo, "checkout", "--force", path)
        except StageFailed as error:  # what is damaged still is a sentence below
            logger.warning("%s", error)
        still = _damaged(repo, path)
        if still:
            raise StageFailed(
                f"{still[0].path} is damaged: its bytes do not have the recorded md5 {still[0].md5}, and "
                f"neither DVC's cache nor its remote has them. Remove {path} and run again: what is derived "
                "is computed anew."
            )


def push(repo: Path, paths: Sequence[str], answer_s: float = ANSWER_S) -> None:
    """Uploads to the default remote what it does not have, and hashes what lies there now.

    Args:
        paths: As for `check_files`. Their objects in the remote are hashed, each again only once it changes.
        answer_s: Seconds in which the remote must answer a first question.

    Raises:
        StageFailed: The remote cannot be reached, or an object in it is damaged or missing and cannot be
            written.
    """
    md5s = list(dict.fromkeys(md5 for path in paths for md5 in _objects(repo, path)))
    _wait_for_remote(repo, answer_s)
    try:
        dvc(repo, "push")
    except StageFailed as error:  # DVC itself stops at a damaged listing of a folder
        logger.warning("%s", error)
        _check_remote(repo, md5s)
        dvc(repo, "push")
    _check_remote(repo, md5s)


def _wait_for_remote(repo: Path, answer_s: float) -> None:
    """Fails if the remote leaves a first question unanswered, which DVC would repeat for many minutes."""
    answered = threading.Event()

    def ask() -> None:
        with suppress(Exception), Repo(str(repo)) as repository:  # `dvc push` will say what is wrong
            remote = repository.cloud.get_remote_odb()
            remote.fs.exists(remote.path)
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    if not answered.wait(answer_s):
        silent = f"nothing came from it for {answer_s:g} s"
        raise StageFailed(f"{_remote(repo)} does not answer: {silent}. Run again once it does.")


def _check_remote(repo: Path, md5s: Sequence[str]) -> None:
    """Hashes the objects in the remote, and uploads damaged or missing ones again, once."""
    try:
        with _opened(repo) as repository:
            _upload_damaged(repo, repository.cloud.get_remote_odb(), md5s)
    except StageFailed:
        raise
    except Exception as error:  # each kind of remote raises the errors of its own library
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StageFailed(f"{_remote(repo)} does not answer: {reason}. Run again once it does.") from error


def _upload_damaged(repo: Path, remote: Any, md5s: Sequence[str]) -> None:
    verified = _read_verified(repo)
    for md5 in md5s:
        path = remote.oid_to_path(md5)
        if _is_whole(remote, path, md5, verified.get(md5)):
            verified[md5] = _fingerprint(remote, path)
            continue
        if remote.fs.exists(path):
            logger.warning("object %s in the remote is damaged: it is uploaded again", md5)
            remote.fs.remove(path)
        else:  # DVC's push leaves out what it finds in no index of its own
            logger.info("object %s is missing in the remote: it is uploaded", md5)
        if _object(repo, md5).exists():
            remote.add(str(_object(repo, md5)), LocalFileSystem(), md5, check_exists=False)
        if not _is_whole(remote, path, md5, None):
            raise StageFailed(
                f"Object {md5} is damaged or missing in {_remote(repo)}, also after a second upload: look at "
                "that disk or bucket, then run again."
            )
        verified[md5] = _fingerprint(remote, path)
    write_json(repo / VERIFIED, {md5: verified[md5] for md5 in md5s})


def _is_whole(remote: Any, path: str, md5: str, verified: str | None) -> bool:
    """Tells whether an object's bytes match its name.

    An object is not read again while its size and time are the same.
    """
    if not remote.fs.exists(path):
        return False
    if verified and verified == _fingerprint(remote, path):
        return True
    return str(file_md5(path, remote.fs)) == md5.removesuffix(".dir")


def _fingerprint(remote: Any, path: str) -> str:
    """Collects size and time, or tag, of an object, which change when it is written again."""
    info = remote.fs.info(path)
    marks = (info.get(name) for name in ("size", "mtime", "ETag", "LastModified", "ino"))
    return " ".join(str(mark) for mark in marks if mark is not None)


def _read_verified(repo: Path) -> dict[str, str]:
    try:
        return dict(json.loads((repo / VERIFIED).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}  # none yet, or torn: everything is hashed


def _remote(repo: Path) -> str:
    return f"DVC's remote {default_remote(repo) or '(none is set)'}"


def _md5_of(repo: Path, path: str) -> str | None:
    """Looks up the md5 that a pointer or dvc.lock records for a path; None where neither does."""
    pointer, lock = repo / f"{path}.dvc", repo / "dvc.lock"
    if pointer.exists():
        return pointer_md5(pointer)
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"] if lock.exists() else {}
    outs = (out for stage in stages.values() for out in stage.get("outs", ()))
    return next((str(out["md5"]) for out in outs if out["path"] == path), None)


def _object(repo: Path, md5: str) -> Path:
    """Builds the path of an object in DVC's cache."""
    return repo / CACHE / md5[:2] / md5[2:]


def listed(repo: Path, md5: str) -> list[Mapping[str, str]] | None:
    """Reads the files of a folder version, by md5 and relpath; None without a whole listing in the cache."""
    file = _object(repo, md5)
    if not file.exists() or _md5_of_bytes(file) != md5.removesuffix(".dir"):
        return None
    listing: list[Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return listing


def cached(repo: Path, folder_md5: str, prefix: str | tuple[str, ...]) -> list[Path] | None:
    """Finds a folder version's files in DVC's cache whose paths start with the prefix.

    The result is None if one of them is missing.
    """
    listing = listed(repo, folder_md5)
    if listing is None:
        return None
    files = [_object(repo, entry["md5"]) for entry in listing if entry["relpath"].startswith(prefix)]
    return files if all(file.exists() for file in files) else None


def _objects(repo: Path, path: str) -> Iterator[str]:
    md5 = _md5_of(repo, path)
    if md5:
        yield md5
        if md5.endswith(".dir"):
            yield from (entry["md5"] for entry in listed(repo, md5) or ())


def _damaged(repo: Path, path: str) -> list[Recorded]:
    """Finds the recorded files below a path whose bytes differ; the path itself where its listing is lost."""
    md5 = _md5_of(repo, path)
    if md5 is None:
        return []
    files, listing = [Recorded(Path(path), md5)], listed(repo, md5) if md5.endswith(".dir") else None
    if listing is not None:
        files = [Recorded(Path(path) / entry["relpath"], entry["md5"]) for entry in listing]
    return [file for file in files if _md5_of_bytes(repo / file.path) != file.md5]


def _md5_of_bytes(file: Path) -> str:
    """Computes the md5 of a file; empty where it is missing or a folder."""
    return str(file_md5(str(file), LocalFileSystem())) if file.is_file() else ""


def _remove_damaged_objects(repo: Path, md5s: Sequence[str]) -> None:
    """Removes objects of DVC's cache whose bytes do not match their name, so that they are fetched again."""
    for md5 in filter(None, md5s):
        file = _object(repo, md5)
        if file.exists() and _md5_of_bytes(file) != md5.removesuffix(".dir"):
            file.unlink()
