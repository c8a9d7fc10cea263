"""`make up`: runs all of Palate on this machine until Ctrl-C, with the same state as `make nightly`.

One process each for Prefect's server, its worker, MLflow and the service of the released version. When a
release changes the version, the next service takes over from this one.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from types import FrameType

from prefect.settings import PREFECT_API_URL, temporary_settings

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.files import write_state
from flows import console, keys
from flows.environment import STATE, UP, login_of_prefect, this_process
from flows.machine import deployments, watcher
from flows.machine.programs import LOGS, Child, end_descendants, end_orphans, server
from flows.machine.services import SHORT_LIFE_S, Services
from flows.release import bento

POLL_S = 2  # seconds between two looks at the programs
MAX_FAILURES = 3  # failures in a row that end `make up`
SET_BACK_S = 600  # seconds by which the clock must fall back at once to count as set back
STOP_SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP  # SIGHUP comes when a terminal is closed


class Stopped(KeyboardInterrupt):
    """Raised by a handler when one of STOP_SIGNALS comes."""


def run(params: Params) -> None:
    """Starts all programs, prints their addresses, and stops them on Ctrl-C or another of STOP_SIGNALS.

    Args:
        params: Settings; ports and schedules are those of the section `up`.

    Raises:
        StageFailed: A port is taken, a program did not start, or one failed MAX_FAILURES times in a row.
    """
    os.environ.update(login_of_prefect())  # also where PREFECT_API_URL led to another server before
    children, services, end = _children(params), Services(params.up.service_port), threading.Event()
    end_orphans()
    _check_ports({child.name: child.address for child in children} | {"service": services.address})
    for signal_number in STOP_SIGNALS:
        signal.signal(signal_number, _stop)
    try:
        _start(params, children, end)
        console.say(_table(params, children))
        _supervise(params, children, services)
    except Stopped:
        console.show("stopping")
    finally:
        _ignore_signals()
        end.set()
        UP.unlink(missing_ok=True)
        services.stop()
        for child in reversed(children):
            child.stop()
        end_descendants()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    _ignore_signals()  # a second one would leave some programs running
    raise Stopped


def _ignore_signals() -> None:
    for signal_number in STOP_SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)


def _is_stopping() -> bool:
    """Tells whether one of STOP_SIGNALS came, even if Python dropped the exception of its handler.

    Python drops an exception that is raised within a destructor.
    """
    return signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def _children(params: Params) -> list[Child]:
    ports = params.up
    # A server that stays up runs the automations, which `environment.prepare` turns off.
    automations = {
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "true",
    }
    return [
        server("prefect", ports.prefect_port, "/api/health", automations),
        server("mlflow", ports.mlflow_port, "/health", {}),
        Child("worker", ["flows", "worker"]),
    ]


def _check_ports(addresses: Mapping[str, str]) -> None:
    for name, address in addresses.items():
        port = int(address.rpartition(":")[2] or 0)
        with socket.socket() as connection:
            if port and connection.connect_ex(("127.0.0.1", port)) == 0:
                raise StageFailed(f"port {port} is taken: end what listens there, or set up.{name}_port.")


def _start(params: Params, children: list[Child], end: threading.Event) -> None:
    """Starts the servers, then the programs that use them; `up.json` gives other commands the addresses."""
    prefect, mlflow, worker = children
    for child in (prefect, mlflow):
        child.start()
    for child in (prefect, mlflow):
        child.wait_until_up()
    addresses = {"PREFECT_API_URL": f"{prefect.address}/api", "MLFLOW_TRACKING_URI": mlflow.address}
    os.environ.update(addresses, PREFECT_LOGGING_LEVEL="INFO", PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="INFO")
    write_state(UP, {**this_process(), **addresses})
    # Prefect read its settings when it was imported; without this it would start a server of its own.
    with temporary_settings({PREFECT_API_URL: addresses["PREFECT_API_URL"]}):
        deployments.deploy(params, deployments.PROCESS)
        watcher.start(end, params.up.look_s)
    worker.start()


def _supervise(params: Params, children: list[Child], services: Services) -> None:
    """Restarts programs that end, and changes the service when another version is released, until the end.

    Raises:
        StageFailed: A program failed MAX_FAILURES times in a row, or Prefect's did not start again.
    """
    ahead_s = _clock_ahead_s()
    while not _is_stopping():
        before_s, ahead_s = ahead_s, _clock_ahead_s()
        if ahead_s < before_s - SET_BACK_S:
            _plan_anew(params, children[0])
        for child in children:
            if not child.runs():
                _restart(child)
        services.follow(bento.served())
        time.sleep(POLL_S)


def _clock_ahead_s() -> float:
    """Measures by how many seconds the time of day is ahead of the monotonic clock, which nobody can set."""
    return time.time() - time.monotonic()


def _plan_anew(params: Params, prefect: Child) -> None:
    """Makes Prefect forget what it planned by a clock that was ahead: until then it would plan nothing."""
    prefect.stop()
    prefect.start()
    prefect.wait_until_up()
    with temporary_settings({PREFECT_API_URL: f"{prefect.address}/api"}):
        deployments.deploy(params, deployments.PROCESS)
    console.say("the clock was set back: Prefect was started again, and plans its nights anew")


def _restart(child: Child) -> None:
    child.failures = child.failures + 1 if child.age() < SHORT_LIFE_S else 1
    if child.failures == MAX_FAILURES:
        raise StageFailed(f"{child.name} ended: see {LOGS / child.name}.log")
    console.say(f"{child.name} ended, it is started again: see {LOGS / child.name}.log")
    child.start()


def _table(params: Params, children: list[Child]) -> str:
    service = f"http://127.0.0.1:{params.up.service_port}"
    lines = [(child.name, child.address or "takes runs from the pool `process`") for child in children]
    lines += [
        ("service", service if bento.served() else f"{service} once something is released"),
        ("nightly", f"{params.up.nightly_cron} {params.schedule_timezone}"),
        ("logs", str(LOGS)),
        ("log in", f"to Prefect's pages with what stands under `prefect` in {STATE / keys.FILE}"),
    ]
    return "\n".join(f"{name:9} {address}" for name, address in lines) + "\nCtrl-C stops all of it."
