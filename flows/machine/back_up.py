"""`make back-up` and `make bring-back`: all of a clone's state in one file, and a clone from such a file.

It holds what cannot be computed anew: keys, MLflow, Prefect, the service's store, DVC's remote where that is
a folder below the state, the branch `nights`, params.yaml, and what says which data were accepted. Bentos,
caches and logs are left out: nights and releases make them again. So are the settings of git and DVC.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import cast

from components.domain.errors import BadParams, StageFailed
from components.files import file_sha256, in_form, sentence_of
from components.integrations import data_versions
from components.integrations.model_registry.artifact_folders import move_artifacts
from components.stages.paths import EVENTS, LEDGER_BEFORE, NIGHT, QUARANTINE
from flows.environment import ARTIFACTS, REPO, STATE
from flows.lock import one_at_a_time
from flows.night import accepted_data, data, recall
from flows.night.forget import RECEIPTS

SUMS, BUNDLE = "sha256.json", "nights.bundle"  # two members; the first is written last and lists all others
MLFLOW = "state/mlflow.db"  # moved last: a clone that has it has nights
_FOLDERS = {ARTIFACTS.name, data_versions.REMOTE, RECEIPTS.name, recall.FOLDER.name}  # of the state
_SUFFIXES = {"", ".db", ".json", ".jsonl"}  # of the state's own files; locks and partial files have others
_BESIDE = {
    f"repo/{path.relative_to(REPO)}"
    for path in (accepted_data.FILE, data.FORGOTTEN, REPO / LEDGER_BEFORE, REPO / NIGHT, REPO / "params.yaml")
}


def back_up(target: str) -> str:
    """Writes all of this clone's state to one file that only its owner can read.

    Nights and releases are refused while it writes.

    Args:
        target: Path of the file; empty for one below the state.

    Raises:
        BadParams: There is something at that path already.
        StageFailed: A night or a release is running, or the file cannot be written.
    """
    name = f"palate-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar"
    path = Path(target).expanduser() if target else STATE / "back-ups" / name
    _check_free(path)
    partial = path.with_name(f".{path.name}.partial")
    with one_at_a_time(STATE, "night"), one_at_a_time(STATE, "release"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            partial.touch(mode=0o600)
            count = _write(partial)
            _check_free(path)  # it took a while
            partial.replace(path)
        except (OSError, sqlite3.Error) as error:
            reason = sentence_of(error) if isinstance(error, OSError) else f"SQLite says '{error}'."
            raise StageFailed(f"{path} could not be written: {reason[0].lower()}{reason[1:]}") from error
        finally:
            with contextlib.suppress(OSError):  # there may be no such folder
                partial.unlink()
    size, remote = path.stat().st_size / 1e6, data_versions.default_remote(REPO)
    is_inside = "://" not in remote and Path(remote).resolve().is_relative_to(STATE.resolve())
    elsewhere = "" if is_inside else f"; DVC's remote {remote} is not in it, nor the settings that name it"
    return f"{path}: {count} files, {size:.0f} MB, with all keys and data: keep it safe{elsewhere}"


def _check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise BadParams(f"There is something at '{path}' already: name a file that does not exist yet.")


def _write(path: Path) -> int:
    """Writes all members, then the checksums of these; returns the number of members."""
    with tarfile.open(path, "w") as tar, tempfile.TemporaryDirectory(dir=STATE) as name:
        for member, source in _members(Path(name)):
            tar.add(source, member, recursive=False)
    with tarfile.open(path) as tar:
        files = {member.name: cast("io.BufferedReader", tar.extractfile(member)) for member in tar}
        sums = {name: hashlib.file_digest(content, "sha256").hexdigest() for name, content in files.items()}
    content = json.dumps(sums).encode()
    with tarfile.open(path, "a") as tar:
        last = tarfile.TarInfo(SUMS)
        last.size = len(content)
        tar.addfile(last, io.BytesIO(content))
    return len(sums)


def _members(scratch: Path) -> Iterator[tuple[str, Path]]:
    """Yields each member's name with the path of its content; a database's is a consistent copy."""
    data_versions.bundle_nights(REPO, scratch / BUNDLE)
    yield BUNDLE, scratch / BUNDLE
    yield from ((member, _path_of(member)) for member in sorted(_BESIDE) if _path_of(member).exists())
    for path in sorted(STATE.rglob("*")):
        member = f"state/{path.relative_to(STATE)}"
        if path.is_file() and not path.is_symlink() and _belongs(member):
            yield member, _copy_of(path, scratch / "copy.db") if path.suffix == ".db" else path


def _copy_of(database: Path, target: Path) -> Path:
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
    return target


def _belongs(member: str) -> bool:
    """Tells whether a back-up writes a member of this name.

    A file that is brought here may hold others: code, hooks, settings. They are left out.
    """
    top, *names = PurePosixPath(member).parts
    if top != "state" or not names:
        return member == BUNDLE or member in _BESIDE
    if len(names) == 1:
        return names[0] != "up.json" and PurePosixPath(member).suffix in _SUFFIXES
    return names[0] in _FOLDERS or names == ["prefect", "prefect.db"]


def _path_of(member: str) -> Path:
    """Maps a member's name to its path in this clone."""
    top, _, rest = member.partition("/")
    return {"state": STATE, "repo": REPO}[top] / rest


def bring_back(source: str) -> str:
    """Fills the state of a fresh clone from a file that `back_up` wrote.

    Raises:
        BadParams: The file does not exist, or this clone has nights already.
        StageFailed: The file is damaged, or DVC's remote lacks the data; either can be mended and retried.
    """
    path = Path(source).expanduser()
    if not source or not path.is_file():
        raise BadParams(f"'{source}' is no file: name a back-up, as in `make bring-back FROM=palate.tar`.")
    if _path_of(MLFLOW).exists() or (REPO / EVENTS).exists():
        raise BadParams(f"There are nights in {STATE} already: bring a back-up back in a fresh clone.")
    with one_at_a_time(STATE, "night"), tempfile.TemporaryDirectory(dir=STATE) as name:
        members = _extract(path, Path(name))
        data_versions.fetch_nights(REPO, Path(name) / BUNDLE)
        for member in sorted(set(members) - {BUNDLE, MLFLOW}):
            _path_of(member).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / member).replace(_path_of(member))
        data_versions.ensure_repository(REPO, STATE)
        _fetch_data()
        if MLFLOW in members:
            move_artifacts(Path(name) / MLFLOW, ARTIFACTS)
            (Path(name) / MLFLOW).replace(_path_of(MLFLOW))
    return f"{path} was brought back: `make status` shows its nights, and `make nightly` goes on from them"


def _extract(path: Path, folder: Path) -> list[str]:
    """Extracts and verifies all members; returns the names of those that a back-up would write.

    Raises:
        StageFailed: A member is missing, was not listed, or differs from its checksum.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            tar.extractall(folder, filter="data")
        sums = in_form(dict[str, str], json.loads((folder / SUMS).read_text(encoding="utf-8")))
    except (tarfile.TarError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).replace(f"{folder}{os.sep}", "")[:200]
        raise StageFailed(f"{path} is no back-up or is damaged ({reason}): take another one.") from error
    extracted = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} - {SUMS}
    wrong = sorted(extracted ^ sums.keys())
    wrong = wrong or [name for name in sums if file_sha256(folder / name) != sums[name]]
    if wrong:
        raise StageFailed(f"{path} is damaged: {wrong[0]} is not as it was stored. Take another back-up.")
    return sorted(filter(_belongs, sums))


def _fetch_data() -> None:
    try:
        data_versions.restore_pointers(REPO, [f"{folder}.dvc" for folder in (EVENTS, QUARANTINE)])
    except StageFailed as error:
        shutil.rmtree(REPO / EVENTS, ignore_errors=True)
        remote = data_versions.default_remote(REPO)
        raise StageFailed(
            f"The data could not be fetched from DVC's remote {remote} ({error}): name your remote in "
            ".dvc/config or .dvc/config.local, which no back-up holds, then bring it back again."
        ) from error
