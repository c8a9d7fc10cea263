"""Folders whose disk is full or read-only: real file systems, mounted for a moment."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGES = 4 * os.sysconf("SC_PAGE_SIZE")  # bytes of a file system that is full after its folders


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """The folder is empty, and on a disk that a few small files fill."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={PAGES}", "palate-test"):
        yield


@contextlib.contextmanager
def of_size(folder: Path, megabytes: int) -> Iterator[None]:
    """The folder is empty, and on a disk of that size."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "palate-test"):
        yield


def fill(folder: Path) -> Path:
    """Fills the disk of a folder to its last page; returns the file that does."""
    file = folder / "rest"
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as rest:
        while True:
            rest.write(bytes(PAGES // 4))
    return file


@contextlib.contextmanager
def fixed(file: Path) -> Iterator[None]:
    """No other file can take the place of this one."""
    _mount("--bind", str(file), str(file))
    try:
        yield
    finally:
        subprocess.run(["umount", str(file)], check=True)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder is as it was, and nobody, not even root, may write to it."""
    with _mounted(folder, "--bind", str(folder)):
        _mount("-o", "remount,bind,ro", str(folder))
        yield


@contextlib.contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    _mount(*options, str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        verb = pytest.fail if os.environ.get("CI") else pytest.skip
        verb(f"may not mount here: {done.stderr.strip()}")
