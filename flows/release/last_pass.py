"""What a release pass depends on, and how it stood when the last successful pass began.

A pass changes some of it itself, such as tags. So one more pass follows, which finds nothing to do.
"""

from __future__ import annotations

from typing import Any

from components.domain.params import Params
from components.files import file_sha256, read_state, write_state
from components.integrations.model_registry.registry import CHAMPION
from flows.environment import REPO, STATE
from flows.registry import registry
from flows.release import bento, delivery

LAST_PASS = STATE / "last-pass.json"
FILES = (REPO / "params.yaml", delivery.RELEASED, bento.BENTO_TAG)


def situation(params: Params) -> dict[str, Any]:
    """Collects everything that decides what a pass does and that is cheap to look up."""
    server, model = registry(), params.register_.model
    champion = server.alias(model, CHAMPION)
    return {
        "champion": champion,
        "its tags": server.tags(model, champion) if champion else {},
        **{path.name: file_sha256(path) for path in FILES if path.exists()},
        "minutes under watch": _minutes_under_watch(params),
    }


def _minutes_under_watch(params: Params) -> int | None:
    """Counts whole minutes since a release that may be taken back; None where none may.

    Each minute is a new situation, so a pass looks at the release once a minute.
    """
    released = delivery.current()
    age_s = delivery.seconds_under_watch(params, released) if released else None
    return None if age_s is None else int(age_s // 60)


def last() -> dict[str, Any]:
    """Reads the situation of the last pass that ended well; empty before the first, or for a torn file."""
    try:
        return read_state(LAST_PASS)
    except (OSError, AttributeError):  # of a newer Palate, too
        return {}


def record(before: dict[str, Any]) -> None:
    """Records the situation in which a successful pass began."""
    write_state(LAST_PASS, before)
