"""`make up`: everything on this machine, one process each, until Ctrl-C; the state is that of `make nightly`.

Prefect's server, worker and deployments; MLflow; the webhook's receiver; and the service of what is released,
started anew when a release changes it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from types import FrameType

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.files import write_json
from flows import console, deployments, keys
from flows.environment import ARTIFACTS, REPO, STATE, UP, this_process
from flows.steps import bento

LOGS = STATE / "logs"
START_S, STOP_S, LOOK_S, AGAIN_S = 120, 20, 2, 30
MOST_FAILURES = 3
STOPS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP  # the last comes where a terminal is closed


class Stopped(Exception):
    """Ctrl-C, TERM or HUP."""


@dataclass
class Child:
    """A program that runs as long as we do.

    Attributes:
        name: Of its log in `.palate/logs`.
        command: Arguments of this Python.
        address: Shown in the table; its port must be free before the start.
        health: Path that answers 200 once it is up; empty where there is none.
        env: Added to ours.
        process: While it runs, and until somebody looks.
        started: On the monotonic clock.
        failures: How often in a row it ended within AGAIN_S seconds.
    """

    name: str
    command: list[str]
    address: str = ""
    health: str = ""
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """Starts it in a process group of its own, so that Ctrl-C reaches us alone."""
        LOGS.mkdir(exist_ok=True)
        self.started = time.monotonic()
        with (LOGS / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command], cwd=REPO, env=os.environ | self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_up(self) -> None:
        """Waits for its health to answer.

        Raises:
            StageFailed: It ended, or did not answer in time.
        """
        end = time.monotonic() + START_S
        while self.health and not _answers(self.address + self.health):
            if not self.runs() or time.monotonic() > end:
                raise StageFailed(f"{self.name} did not start: see {LOGS / self.name}.log")
            time.sleep(0.3)

    def runs(self) -> bool:
        """Whether its process is alive."""
        return self.process is not None and self.process.poll() is None

    def age(self) -> float:
        """Seconds since its last start."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """TERM to its group, and KILL to what is left after a while."""
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(STOP_S)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def run(params: Params) -> None:
    """Starts all, says where it is, and stops all on Ctrl-C, TERM or HUP.

    Raises:
        StageFailed: A port is taken, or something did not start.
    """
    children, service = _children(params), _service(params)
    _check_ports([*children, service])
    for sign in STOPS:
        signal.signal(sign, _stop)
    try:
        _start(params, children)
        console.say(_table(params, children))
        _keep(children, service)
    except Stopped:
        console.show("stopping")
    finally:
        for sign in STOPS:  # a second Ctrl-C must not leave half of them
            signal.signal(sign, signal.SIG_IGN)
        UP.unlink(missing_ok=True)
        for child in (service, *reversed(children)):
            child.stop()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _children(params: Params) -> list[Child]:
    at, secret = params.up, keys.keys(STATE)
    lasting = {"PREFECT_SERVER_LOGGING_LEVEL": "WARNING", "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "true"}
    webhook_env = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes for what we do not use
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",  # the receiver is on this machine
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": secret["webhook_encryption"],
    }
    store = os.environ["PALATE_MLFLOW_STORE"]
    host = ["--host", "127.0.0.1", "--port"]
    # The root that a night without this server writes to: what the one made the other finds.
    stores = ["--backend-store-uri", store, "--default-artifact-root", ARTIFACTS.as_uri()]
    mlflow = ["mlflow", "server", *stores, "--workers", "1", *host, str(at.mlflow_port)]
    prefect = ["prefect", "server", "start", *host, str(at.prefect_port)]
    webhook = ["uvicorn", "flows.webhook:app", "--log-level", "warning", *host, str(at.webhook_port)]
    return [
        Child("prefect", prefect, f"http://127.0.0.1:{at.prefect_port}", "/api/health", lasting),
        Child("mlflow", mlflow, f"http://127.0.0.1:{at.mlflow_port}", "/health", webhook_env),
        Child("webhook", webhook, f"http://127.0.0.1:{at.webhook_port}", "/health"),
        Child("worker", ["flows", "worker"]),
    ]


def _service(params: Params) -> Child:
    return Child("service", [], f"http://127.0.0.1:{params.up.service_port}", "/readyz")


def _check_ports(children: list[Child]) -> None:
    for child in children:
        port = int(child.address.rpartition(":")[2] or 0)
        with socket.socket() as asked:
            if port and asked.connect_ex(("127.0.0.1", port)) == 0:
                raise StageFailed(
                    f"port {port} is taken: end what listens there, or set up.{child.name}_port."
                )


def _start(params: Params, children: list[Child]) -> None:
    """Servers first; what asks them afterwards. The file `up.json` tells other commands where they are."""
    prefect, mlflow, webhook, worker = children
    for child in (prefect, mlflow):
        child.start()
    for child in (prefect, mlflow):
        child.wait_until_up()
    addresses = {"PREFECT_API_URL": f"{prefect.address}/api", "MLFLOW_TRACKING_URI": mlflow.address}
    os.environ.update(addresses, PREFECT_LOGGING_LEVEL="INFO")
    write_json(UP, {**this_process(), **addresses})
    deployments.deploy(params, deployments.PROCESS)
    deployments.hint_by_webhook(f"{webhook.address}/mlflow", keys.keys(STATE)["webhook"])
    for child in (webhook, worker):
        child.start()
        child.wait_until_up()


def _keep(children: list[Child], service: Child) -> None:
    """Looks after everything: what ends is started again, and the service follows what is released.

    Raises:
        StageFailed: Something ended soon after each of its last starts: another would not help it.
    """
    served = ""
    while True:
        for child in children:
            if not child.runs():
                child.failures = child.failures + 1 if child.age() < AGAIN_S else 1
                if child.failures == MOST_FAILURES:
                    raise StageFailed(f"{child.name} ended: see {LOGS / child.name}.log")
                console.say(f"{child.name} ended, it is started again: see {LOGS / child.name}.log")
                child.start()
        wanted = bento.served()
        again = not service.runs() and service.age() > AGAIN_S
        if wanted and (wanted != served or again):
            service.stop()
            port = service.address.rpartition(":")[2]
            service.command = ["bentoml", "serve", wanted, "--host", "127.0.0.1", "--port", port]
            service.start()
            served = wanted
            console.say(f"serving {wanted} on {service.address}")
        time.sleep(LOOK_S)


def _table(params: Params, children: list[Child]) -> str:
    service = f"http://127.0.0.1:{params.up.service_port}"
    rows = [(child.name, child.address or "takes runs from the pool `process`") for child in children]
    rows += [("service", service if bento.served() else f"{service} once something is released")]
    rows += [
        ("nightly", f"{params.up.nightly_cron} {params.up.timezone}"),
        ("logs", str(LOGS)),
    ]
    return "\n".join(f"{name:9} {where}" for name, where in rows) + "\nCtrl-C stops all of it."


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except OSError:
        return False
