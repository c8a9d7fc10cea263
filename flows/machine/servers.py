"""`python -m flows.machine.servers NAME PORT`: Prefect's or MLflow's server on 127.0.0.1, behind a door.

The door is needed since MLflow accepts requests from pages of any port of this machine, and hosts named like
private addresses.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from components.stages.paths import ENDS_WITH_STDIN
from flows import environment

API_PAGES = "/docs", "/redoc"  # FastAPI's, which load scripts of other hosts
ASSISTANT = "/ajax-api/3.0/mlflow/assistant"  # MLflow's; it lets who asks run commands as this user
CLOSE_S = 5  # seconds for requests that are under way when a server ends


class Door:
    """Lets programs and the server's own pages in, and refuses other pages, which the header Origin names."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self._app = app
        self._origins = {f"http://{host}".encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403 to foreign pages, and 404 for what would run or load foreign code."""
        origins = {value for name, value in scope.get("headers", ()) if name == b"origin"}
        path = scope.get("path", "").rstrip("/")
        answer = self._app
        if path.endswith(API_PAGES) or path.startswith(ASSISTANT):
            answer = Response(status_code=404)
        if origins - self._origins:
            answer = Response(status_code=403)
        await answer(scope, receive, send)


def _prefect(address: str) -> ASGIApp:
    os.environ["PREFECT_UI_API_URL"] = (
        f"http://{address}/api"  # where its pages send the login; else port 4200
    )
    from prefect.server.api.server import create_app

    return create_app(final=True)


def _mlflow(_address: str) -> ASGIApp:
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR

    store, artifacts = os.environ["PALATE_MLFLOW_STORE"], environment.ARTIFACTS.as_uri()
    os.environ |= {BACKEND_STORE_URI_ENV_VAR: store, ARTIFACT_ROOT_ENV_VAR: artifacts}
    from mlflow.server import fastapi_app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(store, default_artifact_root=artifacts)
    app: ASGIApp = fastapi_app.app
    return app


def _end_with_stdin() -> None:
    """Ends this process when stdin closes, which happens when the process that started it dies."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(2 * CLOSE_S)
    os._exit(1)


def main() -> None:
    """Runs the server until it is ended.

    With ENDS_WITH_STDIN it also ends with the process that started it.
    """
    name, port = sys.argv[1:]
    if os.environ.pop(ENDS_WITH_STDIN, ""):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    environment.prepare()
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    os.environ |= {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(hosts),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    door = Door({"prefect": _prefect, "mlflow": _mlflow}[name](hosts[0]), hosts)
    uvicorn.run(door, port=int(port), log_level="warning", timeout_graceful_shutdown=CLOSE_S)


if __name__ == "__main__":
    main()
