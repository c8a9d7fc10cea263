"""The settings of a night: params.yaml with the overrides of the inbox."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from components.domain.errors import BadParams
from components.domain.param_types import check_address
from components.domain.params import Params
from components.domain.params_file import read_yaml, validate
from components.files import replace_text
from components.integrations.sources import is_url
from components.integrations.sources.database import is_database
from components.integrations.sources.folder import SETTINGS, settings_in
from components.stages.paths import EVENTS
from flows.environment import REPO

SAMPLE = REPO / "data" / "sample" / "canteen"  # `collect.inbox` of a fresh clone
# Mappings whose keys are the user's: an override replaces them whole, or nothing in them could be taken back.
WHOLE = {
    "base.others", "collect.columns", "collect.scales", "collect.tables", "collect.values",
    "collect.watermarks", "train.candidates",
}  # fmt: skip


def adopt(inbox: str) -> Params:
    """Merges `inbox/params.yaml` into params.yaml, sets `collect.inbox`, and reads the result.

    The result is written into params.yaml itself, since DVC's stages read that file and git shows the change.
    The sample's own settings hold while it is the inbox, but are never written: they would stay when a user's
    data takes its place. No stage reads them.

    Args:
        inbox: Folder of the user's tables; empty for `collect.inbox` as it is.

    Returns:
        The settings of tonight.

    Raises:
        BadParams: A setting is wrong, or this clone holds the events of another inbox.
    """
    path = REPO / "params.yaml"
    if inbox:
        override = _override(inbox)
        _merged(path, inbox, override)
        _check_same_source(read_yaml(path), inbox)
        replace_text(path, _with_comments(path, override))  # whole or not at all, also on a full disk
    return _with_settings_of_the_sample(read_yaml(path))


def settings_for(inbox: str) -> Params:
    """Computes the settings that a night on an inbox would have; changes no file.

    Raises:
        BadParams: A setting is wrong.
    """
    path = REPO / "params.yaml"
    return _with_settings_of_the_sample(_merged(path, inbox, _override(inbox)) if inbox else read_yaml(path))


def _with_settings_of_the_sample(values: dict[str, Any]) -> Params:
    params = validate(values, "params.yaml")
    if not _is_sample(params.collect.inbox):
        return params
    _merge(values, read_yaml(SAMPLE / "params.yaml"), str(SAMPLE / "params.yaml"))
    return validate(values, f"params.yaml with {SAMPLE / 'params.yaml'}")


def _is_sample(inbox: str) -> bool:
    return not is_url(inbox) and (REPO / Path(inbox).expanduser()).resolve() == SAMPLE


def _override(inbox: str) -> dict[str, Any]:
    """Reads what an inbox sets: its own params.yaml, and its address.

    Raises:
        BadParams: The address or the file cannot be read.
    """
    try:
        check_address(inbox)
    except ValueError as error:
        raise BadParams(f"DATA is no inbox: {error}.") from error
    address, where = inbox if is_url(inbox) else str(Path(inbox).expanduser()), _settings_of(inbox)
    content = settings_in(address) if where else None
    override = {} if content is None else read_yaml(where, content)
    _merge(override, {"collect": {"inbox": address}}, where)
    return override


def _settings_of(inbox: str) -> str:
    """Builds the path or address of an inbox's own settings; empty for a database and for the sample."""
    if is_url(inbox):
        return "" if is_database(inbox) else f"{inbox.rstrip('/')}/{SETTINGS}"
    return "" if _is_sample(inbox) else str(Path(inbox).expanduser() / SETTINGS)


def _merged(path: Path, inbox: str, override: dict[str, Any]) -> dict[str, Any]:
    """Merges the inbox's settings into the content of params.yaml and validates the result.

    Raises:
        BadParams: A setting is wrong, or would move the state, which is too late.
    """
    settings, merged, current = _settings_of(inbox), read_yaml(path), read_yaml(path)
    where = f"params.yaml with {settings}" if settings else "params.yaml"
    _merge(merged, override, where)
    state = validate(merged, where).up.state
    before = current["up"]["state"] if isinstance(current.get("up"), dict) else state
    if state != before:
        raise BadParams(
            f"up.state in {settings} comes too late, the state is kept in "
            f"'{before}' already: set it in this clone's params.yaml before the first night."
        )
    return merged


def _with_comments(path: Path, override: dict[str, Any]) -> str:
    """Merges the inbox's settings into the text of params.yaml and keeps its comments.

    Raises:
        BadParams: The file cannot be changed without losing its comments.
    """
    text = io.StringIO()
    try:
        values = _yaml().load(path.read_text(encoding="utf-8"))
        _merge(values, _quoted(override), str(path))
        _yaml().dump(values, text)
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadParams(f"{path} cannot be written with its comments ({reason}): mend it.") from error
    return text.getvalue()


def _quoted(value: Any) -> Any:
    """Puts quotes around each text in the value that PyYAML would read as something else: no, 12:30."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_quoted(entry) for entry in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not _is_text(value) else value


def _is_text(value: str) -> bool:
    try:
        return bool(yaml.safe_load(value) == value)
    except (ValueError, LookupError, AttributeError, yaml.YAMLError):
        return False


def _yaml() -> YAML:
    yaml = YAML()  # preserves comments
    yaml.width = 4096  # characters; long lines stay on one line
    return yaml


def _check_same_source(current: dict[str, Any], inbox: str) -> None:
    before = current["collect"].get("inbox") if isinstance(current.get("collect"), dict) else None
    if (REPO / EVENTS).exists() and before and not _same(str(before), inbox):
        raise BadParams(
            f"This clone holds events from '{before}', not from '{inbox}': use a fresh clone, or, if it is "
            "the same source in a new place, set collect.inbox in params.yaml."
        )


def _same(one: str, other: str) -> bool:
    """Tells whether two addresses lead to the same inbox."""
    if is_url(one) or is_url(other):
        return one == other
    return Path(one).resolve() == Path(other).expanduser().resolve()


def _merge(settings: Any, override: Any, where: str, section: str = "") -> None:
    for key, value in override.items():
        before, at = settings.get(key), f"{section}.{key}".removeprefix(".")
        if key in settings and isinstance(before, dict) != isinstance(value, dict):
            wrong = value if isinstance(before, dict) else before
            raise BadParams(f"{where}: {key} is {wrong!r}, and must be a mapping.")
        if at not in WHOLE and isinstance(before, dict):
            _merge(before, value, where, at)
        else:
            settings[key] = value
