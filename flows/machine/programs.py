"""Programs that run as long as `make up`, and how to end those that a killed `make up` left running."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import psutil

from components.domain.errors import StageFailed
from components.stages.paths import ENDS_WITH_STDIN
from flows.environment import OWN_PREFECT, REPO, STATE, is_running, this_process

LOGS = STATE / "logs"
START_S, STOP_S = 120, 20  # seconds to start and to stop
STARTED_BY = "PALATE_STARTED_BY"  # variable of all that a `make up` starts: its state folder and its process


def end_orphans() -> None:
    """Ends programs that a killed `make up` of this clone left, and marks those that this one will start."""
    _end(process for process in psutil.process_iter() if _is_orphan(process))
    os.environ[STARTED_BY] = json.dumps({"state": str(STATE), **this_process()})


def end_descendants() -> None:
    """Ends all programs that this process started and that still run, even if their start was interrupted."""
    _end(psutil.Process().children(recursive=True))


def _end(processes: Iterable[psutil.Process]) -> None:
    ending = list(processes)
    for process in ending:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(ending, STOP_S)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _is_orphan(process: psutil.Process) -> bool:
    try:
        up = json.loads(process.environ().get(STARTED_BY, "{}"))
    except (psutil.Error, ValueError):  # another user's process, or one that has ended
        return False
    return bool(up) and up["state"] == str(STATE) and not is_running(up)


@dataclass
class Child:
    """A program that runs as long as `make up`.

    Attributes:
        name: Name of the program and of its log.
        command: Arguments of `python -m`.
        address: Address with a port that must be free before the start; empty for a program without one.
        health: Path of the address that answers 200 once the program is up; empty where there is none.
        env: Environment variables besides those of this process.
        process: Process of the last start; None before it and after a stop.
        started: Moment of the last start, seconds on the monotonic clock.
        failures: Number of failures in a row.
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
        """Starts the program in a new process group, so that Ctrl-C reaches only `make up`.

        Its stdin is never written to. It closes when this process dies, which a server watches.
        """
        LOGS.mkdir(exist_ok=True)
        self.started = time.monotonic()
        with (LOGS / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command], cwd=REPO, env=os.environ | self.env,
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_up(self) -> None:
        """Waits until the program's health path answers.

        Raises:
            StageFailed: The program ended, or did not answer within START_S seconds.
        """
        deadline = time.monotonic() + START_S
        while not self.is_up():
            if not self.runs() or time.monotonic() > deadline:
                raise StageFailed(f"{self.name} did not start: see {LOGS / self.name}.log")
            time.sleep(0.3)

    def is_up(self) -> bool:
        """Tells whether the program's health path answers 200; True for a program without one."""
        return not self.health or _answers(self.address + self.health)

    def runs(self) -> bool:
        """Tells whether the program is running."""
        return self.process is not None and self.process.poll() is None

    def age(self) -> float:
        """Measures the seconds since the last start."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """Ends the program's process group: SIGTERM and, after STOP_S seconds, SIGKILL."""
        if self.process is None:
            return
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, signal_number)
                self.process.wait(STOP_S)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def server(name: str, port: int, health: str, env: Mapping[str, str]) -> Child:
    """Describes a server of `flows/machine/servers.py` as a program that ends when this process dies."""
    command = ["flows.machine.servers", name, str(port)]
    return Child(name, command, f"http://127.0.0.1:{port}", health, {**env, ENDS_WITH_STDIN: "true"})


def free_port() -> int:
    """Finds a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def own_prefect() -> contextlib.AbstractContextManager[None]:
    """Prepares a Prefect server of our own, which runs within the block of the result.

    Its address is put into PREFECT_API_URL at once: Prefect reads the variable when it is imported, so call
    this first. If the variable is set already, the block starts no server.
    """
    if os.environ.get("PREFECT_API_URL"):
        return contextlib.nullcontext()
    port = free_port()
    prefect = server("prefect", port, "/api/health", {"PREFECT__SERVER_EPHEMERAL": "true"})
    os.environ["PREFECT_API_URL"] = os.environ[OWN_PREFECT] = f"{prefect.address}/api"
    return _running(prefect)


@contextlib.contextmanager
def _running(child: Child) -> Iterator[None]:
    try:
        child.start()
        child.wait_until_up()
        yield
    finally:
        for handler in logging.getLogger("prefect.flow_runs").handlers:
            handler.flush()  # Prefect sends its logs in batches, the last one to a server that had ended
        child.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310  # an address on this machine
            return bool(response.status == 200)
    except OSError:
        return False
