"""Nobody without the clone's login gets a deployment, whose pull step runs a shell command, into Prefect."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from flows import keys
from flows.machine.servers import Door
from tests.flows.clones import clean_environment, http_status, make_clone, wait_for
from tests.flows.prefect_login import authorization, prefect_headers
from tests.flows.running import Up

pytestmark = pytest.mark.slow
FOREIGN = "http://evil.example"
PULL = [{"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/palate-was-here"}}]
NIGHT = """
from flows import environment
from flows.machine import programs; environment.prepare()
server = programs.own_prefect()
import sys
from prefect import flow
from prefect.client.orchestration import get_client

@flow
def night():
    with get_client(sync_client=True) as client:
        client.read_flows()
        print(client.api_url, flush=True)
    sys.stdin.read()

with server:
    night()
"""
PAGES = ("docs", "redoc", "api/docs", "api/redoc")  # FastAPI's pages, which load scripts of other hosts


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("door"))


@contextlib.contextmanager
def _night(clone: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A flow that waits for its stdin, and the address of the server that it runs for itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHT], cwd=clone, env=clean_environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    with process:
        yield process, process.stdout.readline().strip().removesuffix("/api/").removesuffix("/api")


def _status(address: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> int:
    content = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{address}/api/{path}", content, headers), timeout=120
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def _attack(address: str, headers: dict[str, str]) -> set[int]:
    """Statuses of the calls that make a flow, a deployment of it, and a run of what is there already."""
    flow = {"name": "night", "flow_id": "00000000-0000-0000-0000-000000000000", "pull_steps": PULL}
    return {_status(address, path, flow, headers) for path in ("flows/", "deployments/", "flow_runs/filter")}


def _refuses_strangers(address: str, login: str) -> None:
    json_type, plain = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
    wrong = authorization("palate:guessed")
    for headers in (json_type, plain, json_type | wrong, plain | {"Origin": FOREIGN}):
        assert _attack(address, headers) <= {401, 403}
        assert _status(address, "csrf-token?client=x", None, headers) == (403 if "Origin" in headers else 401)
    # A browser that knows the login would still need a token that a foreign page cannot read.
    assert _attack(address, json_type | {"Origin": FOREIGN} | authorization(login)) == {403}
    preflight = urllib.request.Request(
        f"{address}/api/deployments/",
        headers={"Origin": FOREIGN, "Access-Control-Request-Method": "POST"},
        method="OPTIONS",
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(preflight, timeout=120)
    refused.value.close()
    assert refused.value.headers["Access-Control-Allow-Origin"] is None
    assert _status(address, "flows/filter", {}, json_type | prefect_headers(address, login)) == 200


def test_a_nights_own_server_refuses_strangers_and_ends_with_it(clone: Path) -> None:
    with _night(clone) as (process, address):
        _refuses_strangers(address, keys.keys(clone / ".palate")["prefect"])
        process.kill()
        wait_for(lambda: http_status(f"{address}/api/health") == 0, 90, "the server's end")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_stopped_night_leaves_no_server(clone: Path, sign: signal.Signals) -> None:
    with _night(clone) as (process, address):
        process.send_signal(sign)
        wait_for(lambda: http_status(f"{address}/api/health") == 0, 90, "the server's end")
        assert process.wait(30) != 0


def test_a_door_lets_programs_and_its_own_pages_in_and_nobody_else() -> None:
    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("in")(scope, receive, send)

    foreign = [FOREIGN, "null", "http://127.0.0.1:4201", "http://localhost", "https://127.0.0.1:4200", ""]
    client = TestClient(Door(served, ["127.0.0.1:4200", "localhost:4200"]))
    for origin in ("http://127.0.0.1:4200", "http://localhost:4200", None):
        headers = {} if origin is None else {"Origin": origin}
        assert client.post("/api/flows", headers=headers).status_code == 200
        for page in PAGES:
            assert client.get(f"/{page}", headers=headers).status_code == 404
    for origin in foreign:
        headers = {"Origin": origin}
        assert client.post("/api/flows", headers=headers).status_code == 403
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/", headers=headers):
            pass


def test_make_up_refuses_strangers_and_keeps_its_login_to_itself(up: Up) -> None:
    login = keys.keys(up.clone / ".palate")["prefect"]
    _refuses_strangers(up.address("prefect"), login)
    with urllib.request.urlopen(up.address("prefect"), timeout=120) as page:
        assert page.status == 200
    with urllib.request.urlopen(f"{up.address('prefect')}/ui-settings", timeout=120) as settings:
        shown = json.load(settings)
    assert (shown["auth"], shown["csrf_enabled"]) == ("BASIC", True)
    assert shown["api_url"] == f"{up.address('prefect')}/api"  # where a page sends the login
    assert {http_status(f"{up.address('prefect')}/{page}") for page in PAGES} == {404}
    table = (up.clone / "up.out").read_text()
    assert f"log in    to Prefect's pages with what stands under `prefect` in {up.clone}" in table
    secret = login.partition(":")[2]
    assert secret not in table
    logs = "".join(path.read_text() for path in (up.clone / ".palate" / "logs").iterdir())
    for process in psutil.Process(up.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            assert secret not in " ".join(process.cmdline())
    for text in (secret, authorization(login)["Authorization"].partition(" ")[2]):
        assert text not in logs


def test_another_server_never_gets_this_clones_login(clone: Path) -> None:
    code = (
        "from flows import environment; environment.prepare()\n"
        "import os; print(os.environ.get('PREFECT_API_AUTH_STRING'))"
    )
    env = clean_environment() | {"PREFECT_API_URL": "https://prefect.example/api"}
    done = subprocess.run([sys.executable, "-c", code], cwd=clone, env=env, capture_output=True, text=True)
    assert done.stdout == "None\n", done.stderr
