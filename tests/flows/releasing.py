"""Release passes run in a clone as the deployment runs them, and the versions that they release."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from mlflow.tracking import MlflowClient

from tests.flows.clones import clean_environment, free_ports, http_status, wait_for
from tests.flows.forking import Fork, ForkServer

# One pass without Prefect's server, which has nothing to do with what it does.
SCRIPT = """
from flows import environment
environment.prepare()
import sys
from components.domain.errors import PalateError
from flows.release.flow import release
try:
    print(release.fn().message)
except PalateError as error:
    sys.exit(f"palate: {error}")
"""


class Passes:
    """Runs release passes, and reads their last line."""

    def __init__(self, forks: ForkServer) -> None:
        self.forks = forks

    def start(self, clone: Path, **env: str) -> Fork:
        """A pass that goes on by itself."""
        return self.forks.start(clone, clean_environment() | env, code=SCRIPT)

    def run(self, clone: Path, **env: str) -> subprocess.CompletedProcess[str]:
        """A pass to its end, however it ends."""
        return self.start(clone, **env).wait()

    def sentence(self, clone: Path, **env: str) -> str:
        """What a pass that ends well says."""
        done = self.run(clone, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]


def champion(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias("palate", "champion").version)


def new_version(client: MlflowClient) -> str:
    """Another version: the first one's artifacts and lineage, not released yet."""
    first = client.get_model_version("palate", "1")
    copy = client.create_model_version(
        "palate", first.source, first.run_id, tags={**first.tags, "released": ""}, model_id=first.model_id
    )
    return str(copy.version)


SERVE = """
import uvicorn
from serving.service import Palate
uvicorn.run(Palate.to_asgi(), host="127.0.0.1", port={port}, log_level="warning")
"""


@contextlib.contextmanager
def serving(forks: ForkServer, clone: Path, **env: str) -> Iterator[str]:
    """The service of the clone's Bento, out of the Bento's own code; yields its address once it is ready."""
    (port,) = free_ports(1)
    tag = (clone / ".palate" / "bento").read_text().strip()
    home = clone / ".palate" / "bentoml"
    source = home / "bentos" / tag.replace(":", "/") / "src"
    env = clean_environment() | {"BENTOML_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"} | env
    fork = forks.start(source, env, code=SERVE.format(port=port))
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: http_status(f"{address}/readyz") == 200, 120, "the service to be ready")
        yield address
    finally:
        os.kill(fork.pid, signal.SIGTERM)
        fork.wait(120)


@contextlib.contextmanager
def changed_artifact(clone: Path, name: str, change: Callable[[str], str]) -> Iterator[Path]:
    """The stored file of version 1, which its copies share, changed for a while."""
    with contextlib.closing(sqlite3.connect(clone / ".palate" / "mlflow.db")) as database:
        (source,) = database.execute("select source from model_versions where version = 1").fetchone()
    model = clone / ".palate" / "mlartifacts" / "models" / source.rpartition("/")[2]
    path = model / "artifacts" / "artifacts" / name
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield path
    finally:
        path.write_text(before)
