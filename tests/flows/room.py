"""The step of a night that makes room, run alone in a clone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.flows.clones import clean_environment
from tests.flows.forking import ForkServer

MAKE_ROOM = """
from flows import environment
environment.prepare()
from components.domain.params_file import read_params
from flows.night import retention
retention.make_room.fn(read_params(environment.REPO / "params.yaml"))
alarms = environment.STATE / "alarms.jsonl"
assert not alarms.exists() or "no room made" not in alarms.read_text(), alarms.read_text()
"""


def make_room(forks: ForkServer, clone: Path, env: Mapping[str, str]) -> str:
    """What it logs.

    Args:
        forks: Where it runs.
        clone: Folder of the clone.
        env: Leads to a Prefect server that is not the clone's own, whose rows are left alone.
    """
    done = forks.start(clone, clean_environment() | dict(env), code=MAKE_ROOM).wait()
    assert done.returncode == 0, done.stderr
    return done.stderr


def set_params(clone: Path, section: str, **settings: object) -> None:
    """Changes a section of the clone's params.yaml."""
    params = clone / "params.yaml"
    values = yaml.safe_load(params.read_text())
    values[section] |= settings
    params.write_text(yaml.safe_dump(values))
