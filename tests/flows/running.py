"""`make up` in a clone, on ports of its own, until a test is done with it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from tests.flows.clones import clean_environment, free_ports, wait_for


@dataclass
class Up:
    clone: Path
    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    started: float

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[f'{name}_port']}"


@contextlib.contextmanager
def running(clone: Path, stop: signal.Signals = signal.SIGINT) -> Iterator[Up]:
    """Everything is up inside, and ended by Ctrl-C's signal or another, which must leave nothing."""
    params = clone / "params.yaml"
    before = params.read_text()
    values = yaml.safe_load(before)
    names = ("prefect_port", "mlflow_port", "service_port", "webhook_port")
    ports = dict(zip(names, free_ports(4), strict=True))
    values["up"] |= ports
    values["release"]["service"] = f"http://127.0.0.1:{ports['service_port']}"
    params.write_text(yaml.safe_dump(values))
    started = time.time()
    with (clone / "up.out").open("w") as out:
        command = [sys.executable, "-m", "flows", "up"]
        process = subprocess.Popen(command, cwd=clone, env=clean_environment(), stdout=out, stderr=out)
    try:
        wait_for(lambda: "Ctrl-C stops" in (clone / "up.out").read_text(), 180, "make up's table")
        yield Up(clone, process, ports, started)
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(stop)
        process.wait(90)
        left = psutil.wait_procs(children, timeout=20)[1]
        after, was = yaml.safe_load(params.read_text()), yaml.safe_load(before)
        after |= {section: was[section] for section in ("up", "release")}
        params.write_text(
            before if after == was else yaml.safe_dump(after)
        )  # a night may have adopted an inbox
    assert process.returncode == 0
    assert left == []
    assert not (clone / ".palate" / "up.json").exists()
