"""Where a night keeps its state, and an environment in which no library phones home.

`prepare` must run before any of these libraries is imported, since most read their settings when imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

REPO = Path(__file__).resolve().parent.parent


def _state_folder() -> Path:
    """`up.state` of params.yaml; what is wrong with that file is said later, where it is read as a whole."""
    try:
        named = yaml.safe_load((REPO / "params.yaml").read_text(encoding="utf-8"))["up"]["state"]
        return REPO / Path(named).expanduser()
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return REPO / ".palate"


STATE = _state_folder()
ARTIFACTS = STATE / "mlartifacts"
UP = STATE / "up.json"  # where `make up` serves, while it runs
CLOCK_S = 2  # how far a corrected clock may move the start of a process
HEARTBEAT_S = 30  # of a flow's run; without one for three times as long it is taken for dead

QUIET = {
    "DO_NOT_TRACK": "true",  # the word: MLflow does not take `1`
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare() -> None:
    """Sets what the user has not set: telemetry off, state below `up.state`, components' logs in Prefect."""
    STATE.mkdir(parents=True, exist_ok=True)
    state = {
        "PALATE_MLFLOW_STORE": f"sqlite:///{STATE / 'mlflow.db'}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{STATE / 'mlflow.db'}",
        "PALATE_ARTIFACTS": str(ARTIFACTS),
        "PREFECT_HOME": str(STATE / "prefect"),
        "PREFECT_LOGGING_EXTRA_LOGGERS": "components",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",  # it warns of events that it missed while nothing ran
        # A server that lives for one night runs no automation, and this writes tracebacks of a locked SQLite.
        "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 are too few on a busy machine (seen)
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # 14 s of waiting; MLflow's own 7 are minutes under a lock
        "BENTOML_HOME": str(STATE / "bentoml"),
        "DVC_SITE_CACHE_DIR": str(STATE / "dvc-site-cache"),
    }
    if not sys.stderr.isatty():
        state["TQDM_DISABLE"] = "1"  # progress bars of every library, not only ours
    for name, value in (QUIET | state | _of_what_is_up()).items():
        os.environ.setdefault(name, value)


def _of_what_is_up() -> dict[str, str]:
    """The servers of a running `make up`: a night beside it writes to the same ones."""
    if not UP.exists():
        return {}
    up: dict[str, Any] = json.loads(UP.read_text(encoding="utf-8"))
    addresses = {name: str(value) for name, value in up.items() if name.isupper()}
    return addresses if is_running(up) else {}


def this_process() -> dict[str, float]:
    """What names this process for as long as this machine runs."""
    here = psutil.Process()
    return {"pid": here.pid, "since": here.create_time()}


def is_running(written: Mapping[str, Any]) -> bool:
    """Whether the process that wrote `this_process` is still there; its number alone may be another's now."""
    try:
        apart = psutil.Process(int(written["pid"])).create_time() - float(written.get("since", 0.0))
        return bool(abs(apart) < CLOCK_S)
    except psutil.Error:
        return False
