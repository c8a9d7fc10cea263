"""Reading params.yaml: all problems are reported at once, each with its key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from components.domain.errors import BadParams
from components.domain.params import Params

RENAMED = {
    "train.row_tokens": "train.sequence_tokens",
    "train.rows_per_step": "train.sequences_per_step",
}


def read_params(path: Path) -> Params:
    """Reads and validates params.yaml.

    Raises:
        BadParams: Every problem in the file, each with its key.
    """
    return validate(read_yaml(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's mapping, unvalidated.

    Raises:
        BadParams: No such file, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError, AttributeError, RecursionError, yaml.YAMLError) as error:
        # PyYAML lets Python's own errors through where a value is none of its tag: the date 2026-13-01.
        raise BadParams(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise BadParams(f"{path} holds {type(values).__name__}: it must be a mapping of sections.")
    return values


def validate(values: Mapping[str, Any], where: str) -> Params:
    """Turns a mapping into Params.

    Args:
        values: Sections by name.
        where: Name of the file for the message.

    Raises:
        BadParams: Every problem, each with its key.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False)]
        raise BadParams(f"{where} is wrong in {len(problems)} places: " + "; ".join(problems)) from error


def _problem(detail: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    if detail["type"] == "extra_forbidden":
        advice = f"it is called {RENAMED[key]} since 0.2.0" if key in RENAMED else "remove it"
        return f"{key}: unknown key, {advice} (got {detail['input']!r})"
    got = "" if detail["type"] in {"missing", "value_error"} else f" (got {detail['input']!r})"
    return f"{key}: {detail['msg']}{got}"
