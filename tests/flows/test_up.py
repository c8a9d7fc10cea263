"""`make up` as the first thing in a fresh clone: its servers, and the nights beside and through it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
import pytest
import yaml
from mlflow.server.security_utils import is_allowed_host_header

from components.integrations.model_registry.checksums import ungrouped
from tests.flows.clones import REPO, clean_environment, http_status, run_flows, wait_for
from tests.flows.running import Up
from tests.pages import command

pytestmark = pytest.mark.slow


def test_a_night_beside_it_writes_to_its_stores_and_its_champion_is_served(up: Up) -> None:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(up.address("mlflow"))
    version = mlflow.MlflowClient().get_model_version("palate", "1")
    mlflow.set_tracking_uri(before)
    assert ungrouped(version.tags)["night_commit"]
    assert list((up.clone / ".palate" / "mlartifacts").rglob("adapter_model.safetensors"))
    assert not (up.clone / "mlartifacts").exists()
    wait_for(lambda: up.canary().get("model_version") == "1", 120, "the champion's service")
    assert up.canary()["passed"]


def test_mlflow_answers_its_own_names_and_pages_alone(up: Up) -> None:
    """A page may make a browser resolve its own name to this address, or come from another program here."""
    address, port, numbers = up.address("mlflow"), up.ports["mlflow_port"], itertools.count()

    def status(**headers: str) -> int:
        body = json.dumps({"name": f"model {next(numbers)}"}).encode()
        sent = {"Content-Type": "application/json", **headers}
        try:
            path = f"{address}/api/2.0/mlflow/registered-models/create"
            with urllib.request.urlopen(urllib.request.Request(path, body, sent), timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code

    for host in ("10.evil.example", "10.0.0.1", "192.168.1.1", "172.16.x", "evil.example", "localhost"):
        assert status(Host=host) == 403
        assert status(Host=f"{host}:{port + 1}") == 403
    for origin in ("null", "http://evil.example", "http://localhost:1", f"http://127.0.0.1:{port + 1}"):
        assert status(Origin=origin) == 403
    assert status() == status(Origin=address) == status(Host=f"localhost:{port}") == 200
    assert http_status(f"{address}/ajax-api/3.0/mlflow/assistant/config") == 404


def test_mlflow_in_a_cluster_answers_to_no_name_that_only_begins_like_an_address() -> None:
    (container,) = [
        container
        for manifest in yaml.safe_load_all((REPO / "deploy" / "pipeline" / "mlflow.yaml").read_text())
        if manifest["kind"] == "Deployment"
        for container in manifest["spec"]["template"]["spec"]["containers"]
    ]
    settings = {entry["name"]: entry["value"] for entry in container["env"]}
    allowed = settings["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    foreign = (
        "10.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:5000",
        "mlflow.evil.example",
    )
    assert not [host for host in foreign if is_allowed_host_header(allowed, host)]
    assert all(is_allowed_host_header(allowed, host) for host in ("mlflow:5000", "localhost:5000"))


def test_prefect_has_the_pools_the_deployments_and_their_times(up: Up) -> None:
    values = yaml.safe_load((up.clone / "params.yaml").read_text())
    params = values["up"]
    timezone = params["timezone"] or values["collect"]["timezone"]
    times = {"nightly/nightly": params["nightly_cron"], "nightly/weekly-full": params["weekly_full_cron"]}
    for name, cron in (times | {"release/release": "*/30 * * * *"}).items():
        deployment = up.prefect(f"deployments/name/{name}")
        (schedule,) = deployment["schedules"]
        assert schedule["schedule"]["cron"] == cron
        assert name.startswith("release") or schedule["schedule"]["timezone"] == timezone
        assert deployment["work_pool_name"] == "process"
        limit = deployment["global_concurrency_limit"]
        assert limit["limit"] == 1
        assert (limit["name"] == "palate-night") == name.startswith("nightly")
        assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    limits = up.prefect("v2/concurrency_limits/filter", {})
    assert len(limits) == 2  # none is left that nothing uses


def test_nights_move_to_another_pool_and_back_while_releases_stay(up: Up) -> None:
    params = up.clone / "params.yaml"
    before = yaml.safe_load(params.read_text())
    assert [pool["name"] for pool in up.prefect("work_pools/filter", {})] == ["process"]
    for name, if_busy, strategy in (("kubernetes", "wait", "ENQUEUE"), ("process", "skip", "CANCEL_NEW")):
        params.write_text(yaml.safe_dump(before | {"up": before["up"] | {"if_busy": if_busy}}))
        image = ["--image", "x@sha256:y", "--gpu"] if name == "kubernetes" else []
        done = run_flows(up.clone, "deploy", "--pool", name, *image)
        assert done.returncode == 0, done.stderr
        night = up.prefect("deployments/name/nightly/nightly")
        assert night["work_pool_name"] == name
        if name == "kubernetes":  # whose runs nobody takes here
            _start_a_night_as_the_page_does(up, night["id"])
        assert night["concurrency_options"]["collision_strategy"] == strategy
        assert night["global_concurrency_limit"]["name"] == "palate-night"
        # A restricted pod has no container engine.
        assert up.prefect("deployments/name/release/release")["work_pool_name"] == "process"
    pool = up.prefect("work_pools/kubernetes")
    assert pool["type"] == "kubernetes"
    assert "palate-clone" in json.dumps(pool["base_job_template"])
    assert "nvidia.com/gpu" in json.dumps(pool["base_job_template"])


def _start_a_night_as_the_page_does(up: Up, deployment: str) -> None:
    line = command("docs/kubernetes.md", "prefect deployment run")
    env = clean_environment() | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    script = f'eval "$(python -m flows env)"\n{line}'
    done = subprocess.run(["bash", "-euc", script], cwd=up.clone, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    runs = {
        "flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    }
    by_hand = [run for run in up.prefect("flow_runs/filter", runs) if not run["auto_scheduled"]]
    assert [run["work_pool_name"] for run in by_hand] == ["kubernetes"]
    up.prefect(f"flow_runs/{by_hand[0]['id']}/set_state", {"state": {"type": "CANCELLED"}})


def test_a_taken_port_is_one_sentence(up: Up) -> None:
    done = run_flows(up.clone, "up")
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
