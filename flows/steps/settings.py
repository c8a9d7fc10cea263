"""The settings of a night: params.yaml with the overrides of the inbox."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.domain.errors import BadParams
from components.domain.params import Params
from components.domain.params_file import read_yaml, validate
from components.files import replace_text
from components.integrations.sources import is_url
from components.stages.paths import EVENTS
from flows.environment import REPO

SAMPLE = REPO / "data" / "sample" / "canteen"  # `collect.inbox` of a fresh clone


def adopt(inbox: str) -> Params:
    """Merges `inbox/params.yaml` into params.yaml, sets `collect.inbox`, and reads the result.

    The result is written into params.yaml itself, since DVC's stages read that file and git shows the change.
    The sample's own settings, which no stage reads, hold while it is the inbox and are never written: they
    would stay when a user's data takes its place.

    Args:
        inbox: Folder of the user's tables; empty for `collect.inbox` as it is.

    Returns:
        The settings of tonight.

    Raises:
        BadParams: A setting is wrong, or this clone holds the events of another inbox.
    """
    path = REPO / "params.yaml"
    if inbox:
        _check_same_source(inbox)
        text = io.StringIO()
        _yaml().dump(_merged(inbox), text)
        replace_text(path, text.getvalue())  # whole or not at all: a full disk takes nobody's settings
    return _with_settings_of_the_sample(read_yaml(path))


def settings_for(inbox: str) -> Params:
    """The settings that a night on an inbox would have; nothing is written.

    Raises:
        BadParams: A setting is wrong.
    """
    values = _merged(inbox) if inbox else read_yaml(REPO / "params.yaml")
    return _with_settings_of_the_sample(json.loads(json.dumps(values)))


def _with_settings_of_the_sample(values: dict[str, Any]) -> Params:
    params = validate(values, "params.yaml")
    if not _is_sample(params.collect.inbox):
        return params
    _merge(values, read_yaml(SAMPLE / "params.yaml"))
    return validate(values, f"params.yaml with {SAMPLE / 'params.yaml'}")


def _is_sample(inbox: str) -> bool:
    return not is_url(inbox) and (REPO / Path(inbox).expanduser()).resolve() == SAMPLE


def _merged(inbox: str) -> Any:
    """The content of params.yaml, with its comments, after the inbox's own settings."""
    path = REPO / "params.yaml"
    settings = None if is_url(inbox) or _is_sample(inbox) else Path(inbox).expanduser() / "params.yaml"
    override = read_yaml(settings) if settings and settings.exists() else {}
    merged, current = _yaml().load(path.read_text(encoding="utf-8")), read_yaml(path)
    _merge(merged, override)
    if merged["up"]["state"] != current["up"]["state"]:
        raise BadParams(
            f"up.state in {settings} comes too late, the state is kept in "
            f"'{current['up']['state']}' already: set it in this clone's params.yaml before the first night."
        )
    merged["collect"]["inbox"] = inbox if is_url(inbox) else str(Path(inbox).expanduser())
    validate(json.loads(json.dumps(merged)), f"params.yaml with {settings}" if settings else "params.yaml")
    return merged


def _yaml() -> YAML:
    yaml = YAML()  # preserves comments
    yaml.width = 4096  # characters; long lines stay on one line
    return yaml


def _check_same_source(inbox: str) -> None:
    current = read_yaml(REPO / "params.yaml")["collect"]["inbox"]
    if (REPO / EVENTS).exists() and not _same(current, inbox):
        raise BadParams(
            f"This clone holds events from '{current}', not from '{inbox}': use a fresh clone, or, if it is "
            "the same source in a new place, set collect.inbox in params.yaml."
        )


def _same(one: str, other: str) -> bool:
    """Whether two inboxes are one."""
    if is_url(one) or is_url(other):
        return one == other
    return Path(one).resolve() == Path(other).expanduser().resolve()


def _merge(settings: Any, override: Any) -> None:
    for key, value in override.items():
        if key != "candidates" and isinstance(value, dict) and isinstance(settings.get(key), dict):
            _merge(settings[key], value)
        else:  # `candidates` is replaced as a whole, so that only the user's candidates are trained
            settings[key] = value
