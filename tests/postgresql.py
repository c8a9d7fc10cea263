"""A PostgreSQL of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from tests.conftest import needs
from tests.flows.clones import free_ports


@contextmanager
def postgresql(database: str) -> Iterator[str]:
    """Starts a server with an empty database and gives its URI.

    It refuses to run as root, so it runs as the system's user for it, in a folder that this user may enter.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    needs(*([] if programs else ["postgresql"]))
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="palate-") as name:
        folder = Path(name)
        if owner:
            shutil.chown(folder, **owner)

        def run(*command: str) -> None:
            subprocess.run(
                [str(programs[-1] / command[0]), *command[1:]],
                cwd=folder, **owner, check=True, capture_output=True, timeout=120,
            )  # fmt: skip

        data, options = str(folder / "data"), f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        run("initdb", "-D", data, "--auth", "trust", "-U", "palate")
        run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            run("createdb", "-h", str(folder), "-p", str(port), "-U", "palate", database)
            yield f"postgresql://palate@127.0.0.1:{port}/{database}"
        finally:
            run("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


def backends(url: str) -> list[psutil.Process]:
    """Processes of the server that serve others than this question."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        return [psutil.Process(pid) for pid in connection.execute(sa.text(query)).scalars()]


@contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """Stops processes of the server in what they do, for the block; its system goes on answering TCP."""
    try:
        for process in processes:
            process.suspend()
        yield
    finally:
        for process in processes:
            process.resume()
