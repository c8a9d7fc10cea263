"""Programs that run as long as `make up`, and the end of those that outlived one which was killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field

import psutil

from components.domain.errors import StageFailed
from flows.environment import REPO, STATE, is_running, this_process

LOGS = STATE / "logs"
START_S, STOP_S = 120, 20  # seconds to start and to stop
STARTED_BY = "PALATE_STARTED_BY"  # variable of all that a `make up` starts: its state folder and its process


def end_orphans() -> None:
    """Ends what a killed `make up` of this clone has left, and marks what this one will start."""
    orphans = [process for process in psutil.process_iter() if _is_orphan(process)]
    for process in orphans:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(orphans, STOP_S)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    os.environ[STARTED_BY] = json.dumps({"state": str(STATE), **this_process()})


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
        """Starts the program in a new process group, so that Ctrl-C reaches only `make up`."""
        LOGS.mkdir(exist_ok=True)
        self.started = time.monotonic()
        with (LOGS / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command], cwd=REPO, env=os.environ | self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_up(self) -> None:
        """Waits until the program's health path answers.

        Raises:
            StageFailed: The program ended, or did not answer within START_S seconds.
        """
        deadline = time.monotonic() + START_S
        while self.health and not _answers(self.address + self.health):
            if not self.runs() or time.monotonic() > deadline:
                raise StageFailed(f"{self.name} did not start: see {LOGS / self.name}.log")
            time.sleep(0.3)

    def runs(self) -> bool:
        """Whether the program is running."""
        return self.process is not None and self.process.poll() is None

    def age(self) -> float:
        """Seconds since the last start."""
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


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310  # an address on this machine
            return bool(response.status == 200)
    except OSError:
        return False
