"""Reads, writes and compares files for every layer: JSON, whole replacement, checksums."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Form = TypeVar("Form")
SCHEMA = 1  # of the files of the state; one more where one changes so that an older Palate would misread it
_FULL, _FORBIDDEN = {errno.ENOSPC, errno.EDQUOT}, {errno.EROFS, errno.EACCES, errno.EPERM}


def sentence_of(error: OSError) -> str:
    """Explains a file that could not be read or written: what was wrong, which file, what to do."""
    path = error.filename2 or error.filename
    file = f" '{path}'" if path else ""
    if error.errno in _FULL or os.strerror(errno.ENOSPC) in str(error):  # shutil's errors are lists of texts
        return f"The disk is full, and{file or ' a file'} could not be written: make room, then run again."
    if error.errno in _FORBIDDEN:
        return (
            f"The file{file} may not be read or written ({os.strerror(error.errno)}): mend its disk or its "
            "permissions, then run again."
        )
    if error.errno == errno.EISDIR:
        return f"There is a folder where the file{file} belongs: move it away, then run again."
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:  # the second is what mkdir says of it
        return f"The path{file} leads through a file as if it were a folder: name another, or move that file."
    return str(error)


class DamagedFile(OSError, ValueError):
    """A file of the state that is empty or torn; its text is a sentence."""


class NewerFile(OSError):
    """A file of the state in a form that this Palate does not know; its text is a sentence."""


def read_json(path: Path) -> Any:
    """Reads and parses a JSON file.

    Raises:
        DamagedFile: The file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, reason: object) -> DamagedFile:
    return DamagedFile(
        f"{path} is damaged ({reason}): bring it back from a back-up, or remove it, and run again."
    )


def read_state(path: Path) -> dict[str, Any]:
    """Reads a file that `write_state` wrote, also one from before 0.3.0, which names no schema.

    Raises:
        DamagedFile: The file is not JSON, or not as `write_state` writes it.
        NewerFile: A newer Palate wrote it.
    """
    return read_as(dict[str, Any], path)


def read_as(form: type[Form], path: Path) -> Form:
    """Reads a file that `write_state` wrote, and checks that its content has the given form.

    Args:
        form: A dataclass, or a dictionary with the type of its values.

    Raises:
        DamagedFile: The file is not JSON, or its content does not have this form.
        NewerFile: A newer Palate wrote it.
    """
    content = read_json(path)
    try:
        return in_form(form, without_schema(content, path))
    except ValueError as error:
        raise _damaged(path, error) from error


def in_form(form: type[Form], values: Any) -> Form:
    """Converts values of JSON to a dataclass, or to a dictionary with values of one type.

    Raises:
        ValueError: A value is missing or has another type; the message names the first such value.
    """
    hashable: Any = form
    adapter: TypeAdapter[Form] = _adapter(hashable)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{key}: {first['msg']}" if key else first["msg"]) from error


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def without_schema(values: Any, path: Path) -> dict[str, Any]:
    """Checks that this Palate knows the schema of a state file's content, and removes the schema from it.

    Raises:
        NewerFile: A newer Palate wrote the file.
        ValueError: The content is not a dictionary, or its schema is not a number.
    """
    if not isinstance(values, dict):
        raise ValueError(f"it holds {str(values)[:40]!r}, and no keys with values")  # noqa: TRY004 - of a file
    schema = values.get("schema", SCHEMA)
    if type(schema) is not int:
        raise ValueError(f"its schema is {str(schema)[:40]!r}, and no number")
    if schema > SCHEMA:
        raise NewerFile(
            f"{path} was written by a newer Palate (schema {schema}, this one knows {SCHEMA}): update this "
            "clone, or bring the state back from a back-up of before (docs/upgrading.md)."
        )
    return {name: value for name, value in values.items() if name != "schema"}


def with_schema(values: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the schema's number to the content of a state file."""
    return {"schema": SCHEMA, **values}


def write_state(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a file of the state whole or not at all."""
    write_json(path, with_schema(values))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a JSON file whole or not at all."""
    replace_text(path, json.dumps(values, indent=1) + "\n")


def write_private(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a file of the state whole or not at all; from the start only its owner can read it."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(with_schema(values), file)
            file.flush()
            os.fsync(descriptor)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all: a reader sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def file_sha256(path: Path) -> str:
    """Computes the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """Computes the SHA-256 of the paths and bytes of all files below a folder, in hexadecimal.

    A link to a folder counts by where it leads: Python would import from there.
    """
    digest = hashlib.sha256()
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file() or entry.is_symlink()):
        content = file_sha256(path) if path.is_file() else path.readlink()
        digest.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def remove_bytecode(folder: Path) -> None:
    """Removes compiled Python, which would run without a look at the code beside it."""
    for entry in list(folder.rglob("__pycache__")):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)


def weights_sha256(folder: Path) -> str:
    """Computes the SHA-256 of all weights in a folder, by file name: an adapter and its head are one."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
