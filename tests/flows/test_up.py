"""`make up` as a person uses it: an alias clicked in MLflow's pages becomes the answer of the new service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import psutil
import pytest
import yaml
from mlflow.tracking import MlflowClient
from mlflow.webhooks.delivery import _generate_hmac_signature

from flows import keys
from tests.conftest import needs
from tests.flows.clones import Done, clean_environment, status_of, wait_for
from tests.flows.prefect_login import prefect_headers
from tests.flows.running import Up, running

pytestmark = pytest.mark.night
CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def up(promoted: Done) -> Iterator[Up]:
    """Everything running in a clone with a champion."""
    with running(promoted.clone) as up:
        yield up


def _canary(up: Up) -> dict[str, Any]:
    asked = urllib.request.Request(
        f"{up.address('service')}/canary", b"{}", {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return dict(json.load(answer))
    except OSError:
        return {}


def test_an_alias_clicked_in_mlflow_is_answered_by_the_new_service(up: Up) -> None:
    needs("chromium")
    from playwright.sync_api import sync_playwright

    wait_for(lambda: _canary(up).get("model_version") == "1", 120, "the champion's service")
    uri, before = up.address("mlflow"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    first = client.get_model_version("palate", "1")
    source = f"models:/{first.source.rpartition('/')[2]}"
    second = mlflow.register_model(source, "palate", tags={**first.tags, "released": ""}).version
    client.update_model_version("palate", second, first.description)
    mlflow.set_tracking_uri(before)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        outside: list[str] = []
        page.on("request", lambda asked: outside.append(asked.url) if "127.0.0.1" not in asked.url else None)
        page.goto(f"{uri}/#/models/palate/versions/{second}")
        page.get_by_text("content-history").first.wait_for(timeout=60_000)  # the gate table, on the version
        assert page.get_by_text("Gate: PASS").count()
        page.locator('button[title="Add aliases"], button[title="Edit aliases"]').first.click()
        page.get_by_role("dialog").get_by_role("combobox").click()
        page.keyboard.type("champion")
        page.keyboard.press("Enter")
        pictures = Path(os.environ.get("PALATE_PICTURES", up.clone))
        page.screenshot(path=pictures / "promotion.png")
        hinted = _asked_for(up)
        page.get_by_role("button", name="Save aliases").click()
        wait_for(lambda: _asked_for(up) > hinted, 60, "MLflow's own call of the webhook")
        wait_for(lambda: _canary(up).get("model_version") == str(second), 120, "the new version's service")
        browser.close()
    assert [url for url in outside if url.startswith("http")] == []
    answer = _canary(up)
    assert answer["passed"]
    assert answer["adapter_sha256"] == first.tags["adapter_sha256"]
    status = status_of(up.clone)
    assert f"version {second} at {up.address('service')}: its canary passed" in status
    assert "Night: " in status


@pytest.mark.parametrize("headers", [{}, {"X-MLflow-Signature": "v1,x", "X-MLflow-Timestamp": "0"}])
def test_a_forged_webhook_call_is_refused(up: Up, headers: dict[str, str]) -> None:
    asked = urllib.request.Request(f"{up.address('webhook')}/mlflow", b"{}", headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=10)
    refused.value.close()
    assert refused.value.code == 401


def test_a_signed_webhook_call_starts_a_pass_at_once_and_is_believed_once(up: Up) -> None:
    def call(delivery: str, at: float) -> int:
        stamp, key = str(int(at)), keys.keys(up.clone / ".palate")["webhook"]
        headers = {
            "X-MLflow-Delivery-Id": delivery,
            "X-MLflow-Timestamp": stamp,
            "X-MLflow-Signature": _generate_hmac_signature(key, delivery, stamp, "{}"),
        }
        asked = urllib.request.Request(f"{up.address('webhook')}/mlflow", b"{}", headers)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code

    before = _asked_for(up)
    now = time.time()
    assert call("one", up.started - 5) == 401  # what an earlier receiver may have seen
    assert call("two", now) == 202
    assert call("two", now) == 401
    assert _asked_for(up) == before + 1


def _asked_for(up: Up) -> int:
    """Release passes that were asked for; those of the schedule carry its tag."""
    runs = _prefect(
        up, "flow_runs/count",
        {"deployments": {"name": {"any_": ["release"]}}, "flow_runs": {"tags": {"is_null_": True}}},
    )  # fmt: skip
    return int(runs)


def test_prefect_has_the_pools_the_deployments_and_their_times(up: Up) -> None:
    params = yaml.safe_load((up.clone / "params.yaml").read_text())["up"]
    times = {"nightly/nightly": params["nightly_cron"], "nightly/weekly-full": params["weekly_full_cron"]}
    for name, cron in (times | {"release/release": "* * * * *"}).items():
        made = _prefect(up, f"deployments/name/{name}")
        (schedule,) = made["schedules"]
        assert schedule["schedule"]["cron"] == cron
        assert name.startswith("release") or schedule["schedule"]["timezone"] == params["timezone"]
        assert made["work_pool_name"] == "process"
        assert made["global_concurrency_limit"]["limit"] == 1
    deploy = [sys.executable, "-m", "flows", "deploy", "--pool"]
    for name in "kubernetes", "process":
        image = ["--image", "x@sha256:y"] if name == "kubernetes" else []
        subprocess.run(
            [*deploy, name, *image], cwd=up.clone, env=clean_environment(), check=True, timeout=120
        )
        assert _prefect(up, "deployments/name/nightly/nightly")["work_pool_name"] == name
        # A restricted pod has no container engine.
        assert _prefect(up, "deployments/name/release/release")["work_pool_name"] == "process"
    pool = _prefect(up, "work_pools/kubernetes")
    assert pool["type"] == "kubernetes"
    assert "palate-clone" in json.dumps(pool["base_job_template"])


def test_a_taken_port_is_one_sentence(up: Up) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows", "up"],
        cwd=up.clone, env=clean_environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"palate: port {up.ports['prefect_port']} is taken")
    assert "Traceback" not in done.stderr


def test_a_night_started_through_prefect_ends_like_one_on_the_command_line(up: Up) -> None:
    code = (
        "from flows import environment; environment.prepare()\n"
        "from prefect.deployments import run_deployment\n"
        "print('state', run_deployment('nightly/nightly', timeout=400).state.type.value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=up.clone, env=clean_environment(), capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert "state COMPLETED" in done.stdout, done.stdout + done.stderr
    log = (up.clone / ".palate" / "logs" / "worker.log").read_text()
    assert "held out, per person" in log


def _prefect(up: Up, path: str, body: dict[str, Any] | None = None) -> Any:
    login = keys.keys(up.clone / ".palate")["prefect"]
    asked = urllib.request.Request(
        f"{up.address('prefect')}/api/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", **prefect_headers(up.address("prefect"), login)},
    )
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as busy:  # its SQLite is being written to; Prefect's client tries again
            busy.close()
            if busy.code != 503 or time.monotonic() > end:
                raise
            time.sleep(0.5)


def _schedule(up: Up, deployment: str) -> str:
    found = _prefect(up, f"deployments/name/nightly/{deployment}")["id"]
    made = _prefect(up, f"deployments/{found}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    return str(made["id"])


def _wait_for_state(up: Up, run: str, state: str, seconds: float) -> None:
    wait_for(
        lambda: _prefect(up, f"flow_runs/{run}")["state_type"] == state,
        seconds,
        f"state {state} of a night",
    )


def test_a_night_killed_with_its_worker_is_marked_and_does_not_block_the_next(up: Up) -> None:
    params = up.clone / "params.yaml"
    before = params.read_text()
    values = yaml.safe_load(before)
    values["train"]["seed"] = 1234  # nothing that DVC has seen: the night trains for a while
    params.write_text(yaml.safe_dump(values))
    first = _schedule(up, "weekly-full")
    _wait_for_state(up, first, "RUNNING", 120)
    second = _schedule(up, "weekly-full")
    _wait_for_state(up, second, "CANCELLED", 120)  # one at a time: the second is not queued behind it
    log = up.clone / ".palate" / "logs" / "worker.log"
    wait_for(lambda: "a full training was asked for" in log.read_text(), 120, "the training")
    worker = next(
        each
        for each in psutil.Process(up.process.pid).children()
        if {"prefect", "worker"} < set(each.cmdline())
    )
    for each in [*worker.children(recursive=True), worker]:
        each.kill()
    wait_for(
        lambda: "worker ended, it is started again" in (up.clone / "up.out").read_text(), 30, "it to start"
    )
    params.write_text(before)
    assert _prefect(up, f"flow_runs/{first}")["state_type"] == "RUNNING"
    _wait_for_state(up, first, "CRASHED", 240)
    third = _schedule(up, "weekly-full")
    _wait_for_state(up, third, "COMPLETED", 400)
