"""`make up` in a clone, on ports of its own, until a test is done with it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from flows import keys
from tests.flows.clones import COMMANDS, clean_environment, free_ports, wait_for
from tests.flows.forking import FORKED
from tests.flows.prefect_login import prefect_headers

STEPS = "components.stages dvc serving.prove"  # of nights, which fork while the rest are processes
LOOK_S = 4  # `up.look_s`
PORTS = ("prefect_port", "mlflow_port", "service_port")


class Up:
    """A running `make up`, and what a test asks its servers."""

    def __init__(self, clone: Path, env: Mapping[str, str] | None = None) -> None:
        """Starts it on free ports, and waits for its table."""
        self.clone, params = clone, clone / "params.yaml"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        values = yaml.safe_load(params.read_text())
        values["up"] |= self.ports | {"look_s": LOOK_S}
        values["release"]["service"] = self.address("service")
        params.write_text(yaml.safe_dump(values))
        self.started = time.time()
        with (clone / "up.out").open("w") as out:
            environment = clean_environment() | {FORKED: STEPS} | dict(env or {})
            command = [COMMANDS[-1], "-m", "flows", "up"]
            self.process = subprocess.Popen(command, cwd=clone, env=environment, stdout=out, stderr=out)
        try:
            wait_for(lambda: "Ctrl-C stops" in (clone / "up.out").read_text(), 400, "make up's table")
        except AssertionError:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(90)
            raise

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[f'{name}_port']}"

    def stop(self, sign: signal.Signals) -> None:
        """Ends it, which must leave nothing."""
        if self.process.returncode is not None:
            return
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(sign)
        self.process.wait(90)
        left = psutil.wait_procs(children, timeout=20)[1]
        assert self.process.returncode == 0
        assert left == []
        assert not (self.clone / ".palate" / "up.json").exists()

    def prefect(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """An answer of Prefect's API, with the patience of Prefect's own client.

        Its SQLite may be written to (503), or the disk may be busy with other tests (no answer in time).
        """
        address, login = self.address("prefect"), keys.keys(self.clone / ".palate")["prefect"]
        data, end = None if body is None else json.dumps(body).encode(), time.monotonic() + 120
        while True:
            try:
                headers = {"Content-Type": "application/json", **prefect_headers(address, login)}
                request = urllib.request.Request(f"{address}/api/{path}", data, headers)
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as busy:
                busy.close()
                if busy.code != 503 or time.monotonic() > end:
                    raise
            except TimeoutError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.5)

    def canary(self) -> dict[str, Any]:
        """What the service says of itself; nothing while it does not answer."""
        request = urllib.request.Request(
            f"{self.address('service')}/canary", b"{}", {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}
