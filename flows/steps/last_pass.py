"""What a release pass depends on, and what that was when the last pass began that ended well.

A pass changes some of it itself, such as tags. So one more pass follows, which finds nothing to do.
"""

from __future__ import annotations

from typing import Any

from components.domain.params import Params
from components.files import file_sha256, read_state, write_state
from components.integrations.model_registry.registry import CHAMPION
from flows.environment import REPO, STATE
from flows.steps import bento, delivery
from flows.steps.registration import registry

LAST_PASS = STATE / "last-pass.json"
FILES = (REPO / "params.yaml", delivery.RELEASED, bento.BENTO_TAG)


def situation(params: Params) -> dict[str, Any]:
    """What decides what a pass does, as far as it costs next to nothing to look at."""
    server, model = registry(), params.register_.model
    champion = server.alias(model, CHAMPION)
    return {
        "champion": champion,
        "its tags": server.tags(model, champion) if champion else {},
        **{path.name: file_sha256(path) for path in FILES if path.exists()},
        "minutes under watch": _minutes_under_watch(params),
    }


def _minutes_under_watch(params: Params) -> int | None:
    """Whole minutes since a release that may be taken back, each another situation; None where none may."""
    released = delivery.current()
    age_s = delivery.seconds_under_watch(params, released) if released else None
    return None if age_s is None else int(age_s // 60)


def last() -> dict[str, Any]:
    """The situation of the last pass that ended well; nothing before the first, or where its file is torn."""
    try:
        return read_state(LAST_PASS)
    except (OSError, AttributeError):  # of a newer Palate, too
        return {}


def record(before: dict[str, Any]) -> None:
    """Records that a pass ended well which began in this situation."""
    write_state(LAST_PASS, before)
