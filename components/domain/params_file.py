"""Reads params.yaml, and reports all problems at once, each with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from components.domain.errors import BadParams
from components.domain.params import Params

_NOT_IN_CONTEXT = "remove it: no training reads dishes in context any more"
GONE = {  # keys of earlier versions, with what to do; * stands for any name
    "train.row_tokens": _NOT_IN_CONTEXT,
    "train.rows_per_step": _NOT_IN_CONTEXT,
    "train.sequence_tokens": _NOT_IN_CONTEXT,
    "train.sequences_per_step": _NOT_IN_CONTEXT,
    "train.candidates.*.objective": "remove it: every candidate is trained by the listwise loss",
    "train.candidates.*.factors.pooling": "remove it: the state at a line's last token is read",
    "alarms.min_answers": "remove it, since nothing reads it",
    "package.preview": "write `serve: preview` for true, `serve: champion` for false",
}
FIXED = {  # keys of earlier versions, with the value that is a constant now
    "alarms.max_slowdown": "2",
    "check.max_divergence": "0.5",
    "check.max_like_shift": "0.2",
    "check.max_person_share": "0.2",
    "check.min_recurring": "0.9",
    "collect.clock_skew_h": "14",
    "collect.overlap_h": "48",
    "evaluate.half_life_days": "[7, 30, 3650]",
    "evaluate.retrieved": "5",
    "evaluate.seed": "11",
    "release.max_error_rate": "0.05",
    "release.min_requests": "20",
    "retention.log_mb": "20",
    "serve.canary_tolerance": "0.005",
    "split.seed": "0",
    "train.incremental.epochs": "5",
    "train.incremental.replay": "3",
    "up.release_cron": "*/30 * * * *",
}
GONE |= {key: f"remove it, since it is always {value} now" for key, value in FIXED.items()}


def read_params(path: Path) -> Params:
    """Reads and validates params.yaml.

    Raises:
        BadParams: The file has problems; the message names each with its key.
    """
    return validate(read_yaml(path), str(path))


def read_yaml(path: Path | str, content: bytes | None = None) -> dict[str, Any]:
    """Reads the file's mapping, without validating it.

    Args:
        content: Content of the file, if it lies on another machine.

    Raises:
        BadParams: The file is missing, or is not YAML, or is not a mapping, or has a key twice, or holds a
        value
            that JSON cannot hold.
    """
    try:
        text = (Path(path).read_bytes() if content is None else content).decode()
        values = yaml.load(text, _OneKeyOnce)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, LookupError, AttributeError, RecursionError, yaml.YAMLError) as error:
        # PyYAML lets Python's own errors through where a value does not fit its tag: the date 2026-13-01.
        raise BadParams(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise BadParams(f"{path} holds {type(values).__name__}: it must be a mapping of sections.")
    problem = next(_not_plain(values), "")
    if problem:
        raise BadParams(f"{path} {problem}")
    return values


class _OneKeyOnce(yaml.SafeLoader):
    """A loader that refuses a key that stands twice in one mapping.

    PyYAML alone would take the last value; ruamel.yaml and DVC would refuse the file.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise ValueError(f"{key.value!r} stands in lines {lines[key.value]} and {line}: take one out")
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def _not_plain(value: object, key: str = "", above: tuple[int, ...] = ()) -> Iterator[str]:
    """Yields one complaint for each part of the value that JSON cannot hold, with its key."""
    if id(value) in above:
        yield f"holds an anchor in itself at {key}: write the value out"
    elif isinstance(value, dict):
        for name, entry in value.items():
            at = f"{key}.{name}".removeprefix(".")
            if not isinstance(name, str):
                yield f"has the key {at}, which YAML reads as {type(name).__name__}: put it in quotes"
            yield from _not_plain(entry, at, (*above, id(value)))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _not_plain(entry, f"{key}[{number}]", (*above, id(value)))
    elif not isinstance(value, str | int | float | None):
        yield f"has {key}, which YAML reads as {type(value).__name__} ({value!r}): put it in quotes"


def validate(values: Mapping[str, Any], where: str) -> Params:
    """Turns a mapping into Params.

    Args:
        values: Sections by name.
        where: Name of the file, for the message.

    Raises:
        BadParams: The mapping has problems; the message names each with its key.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False)]
        raise BadParams(f"{where} is wrong in {len(problems)} places: " + "; ".join(problems)) from error


def _problem(detail: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    if detail["type"] == "extra_forbidden":
        what = next((words for name, words in GONE.items() if fnmatchcase(key, name)), "remove it")
        return f"{key}: unknown key, {what} (got {detail['input']!r})"
    got = "" if detail["type"] in {"missing", "value_error"} else f" (got {detail['input']!r})"
    return f"{key}: {detail['msg']}{got}"
