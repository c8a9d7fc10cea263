"""Where the stages find and leave their files, from the root, and how a stage says that it failed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVENTS, QUARANTINE, NIGHT = Path("data/events"), Path("data/quarantine"), Path("data/night.json")
SPLITS, JUDGED = Path("data/splits"), Path("data/judged")
BASE, ADAPTERS, CHAMPION = Path("models/base"), Path("models/adapters"), Path("models/champion")
BASE_MARKER = BASE / "palate.json"  # written last: its id and checksum; see integrations/base_models
START = Path("models/start")  # the adapter that tonight's trainings go on from, or only why there is none
REPORTS = Path("reports")
CHECKS, EVALUATION, CANARY = REPORTS / "checks.json", REPORTS / "evaluation.json", REPORTS / "canary.json"

ENDS_WITH_STDIN = "PALATE_ENDS_WITH_STDIN"  # set by the night: a stage whose stdin closes ends
ERROR_PREFIX = "palate: "  # a line that begins so is the sentence for the user; the flow repeats it


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a JSON file whole or not at all."""
    replace_text(path, json.dumps(values, indent=1) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def file_sha256(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """Of the names and bytes of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def weights_sha256(folder: Path) -> str:
    """Of the bytes of all weights in a folder, in the order of their names.

    An adapter and its head are one.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
