"""Promotion on an MLflow server with a login, on SQLite and on PostgreSQL: from the alias to the answer."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from tests.conftest import needs
from tests.flows.clones import (
    Done,
    clean_environment,
    copy_of,
    free_ports,
    http_status,
    post,
    run_flows,
    run_night,
    wait_for,
)
from tests.flows.container import CHROMIUM
from tests.flows.room import set_params
from tests.postgresql import postgresql

USER, PASSWORD = "admin", "correct horse battery"  # of a server that lives for one test


@dataclass
class Server:
    address: str
    clone: Path
    env: dict[str, str]


@pytest.fixture
def postgres() -> Iterator[str]:
    with postgresql("mlflow") as uri:
        yield uri


@pytest.fixture
def server(postgres: str, promoted: Done, prefect: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """MLflow on PostgreSQL with its basic-auth app, and a clone whose nights write to it."""
    port = free_ports(1)[0]
    (tmp_path / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\n"
        f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    settings = {
        "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only-for-this-test",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--backend-store-uri", postgres,
        "--artifacts-destination", str(tmp_path / "artifacts"), "--workers", "1", "--port", str(port),
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=clean_environment() | settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: http_status(address) == 401, 120, "MLflow, which refuses whoever does not log in")
        _hash_cheaply(tmp_path / "auth.db")
        clone = copy_of(promoted.clone, tmp_path / "clone")
        set_params(clone, "register", promote_first=False)
        for name in ("released.json", "bento"):
            (clone / ".palate" / name).unlink(missing_ok=True)
        login = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
        yield Server(address, clone, prefect | login | {"MLFLOW_TRACKING_URI": address})
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)


def _hash_cheaply(database: Path) -> None:
    """MLflow checks the password at each request, which takes a tenth of a second by its default."""
    with closing(sqlite3.connect(database)) as connection, connection:
        hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")
        connection.execute("UPDATE users SET password_hash = ? WHERE username = ?", (hashed, USER))


@pytest.mark.slow
def test_a_version_is_promoted_by_a_person_who_logs_in_and_its_service_answers(server: Server) -> None:
    needs("chromium")
    night = run_night(server.clone, env=server.env)
    assert night.returncode == 0, night.stderr
    assert "champion       none yet" in night.stdout
    _promote_by_clicking(server)
    released = run_flows(server.clone, "release", env=server.env)
    assert "version 1 was released as palate:v1-" in released.stdout, released.stderr
    assert PASSWORD not in night.stdout + night.stderr + released.stdout + released.stderr
    answer = _ask_the_service(server)
    assert answer["answer_id"].startswith("palate:v1-")
    assert (answer["model_version"], answer["preview"]) == ("1", False)
    lineage = run_flows(server.clone, "lineage", answer["answer_id"], env=server.env)
    assert answer["data_version"] in lineage.stdout, lineage.stderr


def _promote_by_clicking(server: Server) -> None:
    from playwright.sync_api import sync_playwright

    with pytest.raises(urllib.error.HTTPError) as stranger:
        urllib.request.urlopen(server.address, timeout=120)
    stranger.value.close()
    assert stranger.value.code == 401
    page_of_version = f"{server.address}/#/models/palate/versions/1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_context(
            http_credentials={"username": USER, "password": PASSWORD},
            viewport={"width": 1400, "height": 2000},
        ).new_page()
        page.goto(page_of_version)
        page.get_by_text("content-history").first.wait_for(timeout=60_000)  # the gate table
        plot = page.locator('img[src*="path=evaluation.png"]')  # MLflow drops the alternative text
        plot.wait_for(timeout=60_000)
        wait_for(lambda: bool(plot.evaluate("image => image.naturalWidth > 0")), 120, "the plot")
        page.screenshot(path=Path(os.environ.get("PALATE_PICTURES", server.clone)) / "version.png")
        page.locator('button[title="Add aliases"], button[title="Edit aliases"]').first.click()
        page.get_by_role("dialog").get_by_role("combobox").click()
        page.keyboard.type("champion")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Save aliases").click()
        page.get_by_role("dialog").wait_for(state="hidden", timeout=30_000)
        browser.close()


def _ask_the_service(server: Server) -> dict[str, Any]:
    port = free_ports(1)[0]
    with (server.clone / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows", "serve", "--port", str(port)],
            cwd=server.clone, env=clean_environment() | server.env, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    body = {
        "person_id": "ada",
        "dishes": [{"dish_id": "1", "name": "Salmon"}, {"dish_id": "2", "name": "Veal"}],
    }
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: http_status(f"{address}/readyz") == 200, 120, "the service")
        return post(f"{address}/rank", body)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
