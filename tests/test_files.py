"""Failures of files as sentences."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from components.files import sentence_of


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full, and 'a' could not be written: make room, then run again."),
        (
            errno.EROFS,
            "The file 'a' may not be read or written (Read-only file system): mend its disk or its",
        ),
        (errno.EACCES, "The file 'a' may not be read or written (Permission denied): mend its disk or its"),
        (errno.EISDIR, "There is a folder where the file 'a' belongs: move it away, then run again."),
        (errno.ENOTDIR, "The path 'a' leads through a file as if it were a folder: name another, or move"),
        (errno.EEXIST, "The path 'a' leads through a file as if it were a folder: name another, or move"),
        (errno.EIO, "[Errno 5] Input/output error: 'a'"),
    ],
)
def test_a_file_that_cannot_be_written_is_a_sentence(number: int, sentence: str) -> None:
    assert sentence_of(OSError(number, os.strerror(number), "a")).startswith(sentence)


def test_a_library_that_names_no_file_is_a_sentence_too() -> None:
    of_pyarrow = OSError(errno.ENOSPC, "Error writing bytes to file")
    of_shutil = shutil.Error([("from", "to", "[Errno 28] No space left on device: 'to'")])
    for error in (of_pyarrow, of_shutil):
        assert sentence_of(error).startswith("The disk is full, and a file could not be written")


def test_of_a_copy_the_target_is_named() -> None:
    assert "'to'" in sentence_of(OSError(errno.ENOSPC, "No space left", "from", None, "to"))
