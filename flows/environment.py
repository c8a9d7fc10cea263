"""This clone's state folder, and the environment variables that keep libraries from reporting usage.

`prepare` must run before these libraries are imported, since most read their settings when imported.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from components.domain.errors import BadParams, PalateError, StageFailed
from components.domain.param_types import check_address
from components.domain.params_file import read_yaml
from components.files import read_as
from flows import keys

REPO = Path(__file__).resolve().parent.parent


def _state_folder() -> Path:
    """Reads `up.state` from params.yaml; `.palate` if the file is wrong, which is reported later."""
    try:
        folder = check_address(read_yaml(REPO / "params.yaml")["up"]["state"])
        return REPO / Path(folder).expanduser()
    except (PalateError, KeyError, TypeError, ValueError):
        return REPO / ".palate"


STATE = _state_folder()
ARTIFACTS = STATE / "mlartifacts"
OWN_PREFECT = "PALATE_OWN_PREFECT"  # variable with the address of the server that a night runs for itself
UP = STATE / "up.json"  # addresses of the servers of `make up`, while it runs
BOOT = Path("/proc/sys/kernel/random/boot_id")  # of Linux; another one after each restart of the machine
MIN_FREE_MB = 64  # with less, a database of the state may fail at any write
HOLD_ROWS = "data", ".dvc", ".git"  # besides the state and reports; git has past nights' reports
GRACE_S = 5  # for a PostgreSQL to say by itself that a query took too long
HEARTBEAT_S = 30  # seconds between two heartbeats of a flow run; one without any for 3 times as long is dead

QUIET = {
    "DO_NOT_TRACK": "true",  # MLflow does not accept `1`
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # `make doctor` logs outside of any flow
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

VARIABLES = {  # besides QUIET: the state below `up.state`, logs in Prefect, short waits
    "PALATE_MLFLOW_STORE": f"sqlite:///{STATE / 'mlflow.db'}",
    "MLFLOW_TRACKING_URI": f"sqlite:///{STATE / 'mlflow.db'}",
    "PALATE_ARTIFACTS": str(ARTIFACTS),
    "PALATE_STORE": f"sqlite:///{STATE / 'service.db'}",  # of what the service showed, and was told
    "PREFECT_HOME": str(STATE / "prefect"),
    "PREFECT_LOGGING_EXTRA_LOGGERS": "components",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "INFO",  # Prefect's page shows the night's table
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",  # the terminal has it already
    # Otherwise it warns of missed events, and writes a traceback of each error beside the sentence.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # A server of one night runs no automations, and this service logs tracebacks while SQLite is locked.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",  # for Prefect's own commands; a flow never needs it
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 were too few on a busy machine
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
    # A server that is down gets 14 s, one that hangs under two minutes; the defaults wait longer.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "PREFECT_API_REQUEST_TIMEOUT": "15",
    "PREFECT_CLIENT_MAX_RETRIES": "3",
    "PGCONNECT_TIMEOUT": "10",
    "AWS_MAX_ATTEMPTS": "2",  # s3fs tries each of them five times
    "BENTOML_HOME": str(STATE / "bentoml"),
    "DVC_SITE_CACHE_DIR": str(STATE / "dvc-site-cache"),
}


def private_folder(folder: Path) -> None:
    """Makes a folder that only its owner can enter, whatever the umask.

    An existing folder of this user is closed to others, too. One with the setgid bit is left alone: on a
    cluster's volume fsGroup decides who may enter.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    is_of_group = status.st_mode & stat.S_ISGID
    if status.st_uid == os.getuid() and not is_of_group and os.access(folder, os.W_OK):
        folder.chmod(0o700)


def prepare(*, writes: bool = True) -> None:
    """Sets the variables that the user has not set: no telemetry, state below `up.state`, logs in Prefect.

    Args:
        writes: Whether to make the state's folder and its keys, and to close folders with people's rows to
            others. A command that only reads needs neither.
    """
    if writes:
        for folder in (STATE, REPO / "reports", *filter(Path.is_dir, (REPO / name for name in HOLD_ROWS))):
            private_folder(folder)
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # turns off the progress bars of every library
    addresses = _addresses_of_up()
    for name, value in (QUIET | VARIABLES | addresses).items():
        os.environ.setdefault(name, value)
    if writes and os.environ.get("PREFECT_API_URL", "") in {"", addresses.get("PREFECT_API_URL")}:
        os.environ.update(login_of_prefect())


def as_exports() -> str:
    """Writes a shell `export` for each variable by which the tools' own commands find this clone's state."""
    ours = ("PALATE_", "MLFLOW_", "PREFECT_", "BENTOML_", "DVC_", *QUIET)
    values = {name: value for name, value in sorted(os.environ.items()) if name.startswith(ours)}
    path = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    return "\n".join([*(f"export {name}={shlex.quote(value)}" for name, value in values.items()), path])


def limit_waits() -> None:
    """Sets time limits for every wait for PostgreSQL: MLflow's, the inbox's and the service's store."""
    from components.integrations import postgresql_waits
    from components.integrations.sources.database import SILENCE, SILENCE_S

    silence_s = os.environ.get(SILENCE, SILENCE_S)
    if not re.fullmatch(r"0*[1-9][0-9]{0,7}", silence_s):
        raise BadParams(
            f"{SILENCE} is '{silence_s}': set it to whole seconds in which a PostgreSQL may send nothing."
        )
    postgresql_waits.limit(int(silence_s) + GRACE_S)


def check_folders() -> None:
    """Checks that a night can write to its folders.

    Prefect, MLflow and git would report a folder that cannot be written to late, or after minutes.

    Raises:
        StageFailed: A folder may not be written to, or its disk is full.
    """
    names = ("", "data", "models", "reports", ".dvc", ".git")
    for folder in filter(Path.exists, (STATE, *(REPO / name for name in names))):
        if not os.access(folder, os.W_OK):
            raise StageFailed(
                f"'{folder}' may not be written to: mend its disk or its permissions, then run again."
            )
        free = shutil.disk_usage(folder).free / 1e6
        if free < MIN_FREE_MB:
            raise StageFailed(
                f"The disk of '{folder}' has {free:.0f} MB free, and a night needs {MIN_FREE_MB} at least: "
                "make room, then run again."
            )


def login_of_prefect() -> dict[str, str]:
    """Builds the variables that make this clone's Prefect server ask for a login, and its clients send it.

    If PREFECT_API_URL leads to another server, that one has its own login and must not learn this one.
    """
    login = keys.keys(STATE)["prefect"]
    return {
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def _addresses_of_up() -> dict[str, str]:
    """Reads the variables with the addresses of `make up`'s servers, so that a night beside it uses them.

    There are none once `make up` has ended.
    """
    if not UP.exists():
        return {}
    up = read_as(dict[str, str | int | float], UP)
    addresses = {name: str(value) for name, value in up.items() if name.isupper()}
    return addresses if is_running(up) else {}


def owns(name: str) -> bool:
    """Tells whether a variable's address leads to this clone's state, if need be by a server of `make up`."""
    ours = {"", os.environ["PALATE_MLFLOW_STORE"], os.environ.get(OWN_PREFECT), _addresses_of_up().get(name)}
    return os.environ.get(name, "") in ours


def this_process() -> dict[str, Any]:
    """Describes this process by its number and its start, which identify it until the machine restarts."""
    return identity_of(psutil.Process())


def is_running(process: Mapping[str, Any]) -> bool:
    """Tells whether the process that `this_process` described is still running.

    The number alone does not tell: the system gives the number of an ended process to a new one.
    """
    try:
        current = psutil.Process(int(process["pid"]))
        identity = identity_of(current)
        has_ended = current.status() == psutil.STATUS_ZOMBIE  # which is not waited for
    except (psutil.Error, LookupError, ValueError, OverflowError):  # ended, or no process's number
        return False
    return not has_ended and identity.items() <= process.items()


def identity_of(process: psutil.Process) -> dict[str, Any]:
    """Describes a process by its number, the machine's boot id, and its start in seconds after the boot.

    The time of day would not identify it, since somebody may set the clock.
    """
    boot = BOOT.read_text(encoding="utf-8").strip() if BOOT.exists() else ""
    return {"pid": process.pid, "boot": boot, "since": round(process.create_time() - psutil.boot_time(), 2)}
