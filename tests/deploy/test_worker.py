"""Prefect's Kubernetes worker takes the template, and makes of a flow run the Job that is meant.

Not run here: a kubelet. What the Job's pod does was tried by podman (docs/decisions/0016).
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import kubernetes_validate
import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyOptions, State
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, InfrastructurePending, Pending, Running
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from flows.machine import deployments
from tests.conftest import REPO, needs
from tests.deploy.cluster.api import Cluster, cluster
from tests.flows.clones import clean_environment, free_ports, wait_for

SECRET = "a-key-that-no-job-may-show"  # noqa: S105
LEASE_S = 30  # the least that Prefect takes
SHORT_LEASES = {  # a slot without a grace of its own would be lost in this test's time
    "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": str(LEASE_S),
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",
}
PLACES_OF_THE_WORKER = ("completions", "parallelism")  # in the pod spec, where no server knows them


@flow
def night() -> None:
    """Stands for a night; nothing here runs it."""


def job_of(template: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The Job that the worker's own class makes of a template, but for what belongs to one run."""

    async def configuration() -> KubernetesWorkerJobConfiguration:
        client = PrefectClient("http://127.0.0.1:9/api")  # never asked: the template refers to no block
        return await KubernetesWorkerJobConfiguration.from_template_and_values(
            dict(template), dict(values or {}), client=client
        )

    job = copy.deepcopy(asyncio.run(configuration()).job_manifest)
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": name, "value": value} for name, value in container["env"].items()]
    job["metadata"]["name"] = "night-x"  # which the cluster makes of generateName
    return without_places_of_the_worker(job)


def without_places_of_the_worker(job: dict[str, Any]) -> dict[str, Any]:
    for name in PLACES_OF_THE_WORKER:
        assert job["spec"]["template"]["spec"].pop(name) == 1
    return job


def test_the_worker_takes_the_template_and_the_job_fits_its_schema_and_may_write_its_clone_alone() -> None:
    job = job_of(deployments.job_template(""))
    kubernetes_validate.validate(job, "1.32", strict=True)
    assert job["spec"]["activeDeadlineSeconds"] > 0
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/tmp", "/palate"]
    assert deployments.CLONE_OF_JOBS.startswith("/palate/")
    assert container["workingDir"] == deployments.CLONE_OF_JOBS


@pytest.mark.parametrize("name", PLACES_OF_THE_WORKER)
def test_without_what_the_worker_asks_for_no_night_starts(name: str) -> None:
    template = deployments.job_template("")
    del template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"][name]
    with pytest.raises(ValueError, match=f"/spec/template/spec/{name}"):
        job_of(template)


@pytest.mark.slow
def test_a_flow_run_becomes_the_job_that_the_cluster_admits(tmp_path: Path) -> None:
    needs("kubectl")
    with cluster() as double, _prefect(tmp_path, double) as (address, env):
        _apply_pipeline(double, env)
        asyncio.run(_submit(address))
        jobs = ("batch", "jobs", "palate-pipeline")
        with _program(tmp_path, env, "worker", "start", "--type", "kubernetes", "--pool", "kubernetes"):
            wait_for(lambda: double.store.listed(*jobs) != [], 90, "the Job")
        (job,) = double.store.listed(*jobs)
    assert "prefect-worker" in double.callers
    assert double.refused == []  # its Role allows all that the worker asks
    assert SECRET not in str(job)
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["python", "-m", "flows", "execute"]
    env_of_job = {each["name"]: each for each in pod["containers"][0]["env"]}
    assert env_of_job["MLFLOW_TRACKING_URI"]["value"] == "http://mlflow:5000"
    key = {"name": "palate-pipeline", "key": "PREFECT_API_KEY"}
    assert env_of_job["PREFECT_API_KEY"]["valueFrom"]["secretKeyRef"] == key
    assert pod["volumes"][1]["persistentVolumeClaim"] == {"claimName": "palate-clone"}
    assert job["metadata"]["labels"]["prefect.io/deployment-name"] == "nightly"


def _apply_pipeline(double: Cluster, env: Mapping[str, str]) -> None:
    """The pipeline's manifests, by a person; from here on the worker has its own Role's rights alone."""
    person = dict(env) | {"KUBECONFIG": str(double.kubeconfig(Path(env["PREFECT_HOME"]) / "admin"))}
    apply = ["kubectl", "apply", "--server-side", "-k", str(deployments.JOB_TEMPLATE.parent)]
    subprocess.run(apply, env=person, check=True, capture_output=True)
    role = double.store.get(("rbac.authorization.k8s.io", "roles", "palate-pipeline", "prefect-worker"))
    assert role is not None
    double.roles["prefect-worker"] = role["rules"]


async def _submit(address: str) -> None:
    async with PrefectClient(address) as client:
        deployment = await client.create_deployment(
            await client.create_flow(night), name="nightly", work_pool_name="kubernetes", entrypoint="n:night"
        )
        await client.create_flow_run_from_deployment(deployment)


@pytest.mark.slow
def test_what_is_killed_with_its_worker_ends_and_a_run_that_waits_for_its_node_keeps_its_slot(
    tmp_path: Path,
) -> None:
    least = timedelta(seconds=10)  # that Prefect takes
    with cluster() as double, _prefect(tmp_path, double, SHORT_LEASES) as (address, _):
        with temporary_settings({PREFECT_API_URL: address}):
            deployments.end_dead_runs(least, least, least)
        killed = asyncio.run(_claim(address, "killed", pool="process", begins=True))
        not_begun = asyncio.run(_claim(address, "not begun", pool="process"))
        claimed = asyncio.run(_claim(address, "claimed"))
        begun_s, waiting = time.monotonic(), asyncio.run(_claim(address, "waiting", has_pod=True))
        stopped = asyncio.run(_claim(address, "stopped", has_pod=True))
        asyncio.run(_stop(address, stopped))
        wait_for(lambda: asyncio.run(_state(address, stopped)).is_cancelled(), 90, "the stopped run to end")
        assert "before its pod ran" in str(asyncio.run(_state(address, stopped)).message)
        for run, words in (
            (killed, "no heartbeat: its runner was killed"),
            (not_begun, "it has not begun: its worker was killed"),
            (claimed, "before it made the Job"),
        ):
            wait_for(lambda run=run: asyncio.run(_state(address, run)).is_crashed(), 90, words)
            assert words in str(asyncio.run(_state(address, run)).message)
        time.sleep(max(0.0, LEASE_S + 15 - (time.monotonic() - begun_s)))
        assert asyncio.run(_state(address, waiting)).name == "InfrastructurePending"
        second = asyncio.run(_claim(address, "waiting"))
        assert asyncio.run(_state(address, second)).is_cancelled()
        for name in ("claimed", "stopped", "killed", "not begun"):  # these slots are free again
            assert asyncio.run(_state(address, asyncio.run(_claim(address, name)))).is_pending()


async def _claim(
    address: str, name: str, *, pool: str = "kubernetes", has_pod: bool = False, begins: bool = False
) -> UUID:
    """Does what a worker does with a run until it has a pod, or has begun; then nobody looks after it."""
    limits = yaml.safe_load((REPO / "prefect.yaml").read_text())["definitions"]["one_night"]
    async with PrefectClient(address) as client:
        deployment = await client.create_deployment(
            await client.create_flow(night), name=name, work_pool_name=pool, entrypoint="n:night",
            concurrency_limit=1, concurrency_options=ConcurrencyOptions(
                collision_strategy="CANCEL_NEW", grace_period_seconds=limits["grace_period_seconds"]
            ),
        )  # fmt: skip
        run = await client.create_flow_run_from_deployment(deployment)
        await client.set_flow_run_state(run.id, Pending())
        if has_pod:
            await client.set_flow_run_state(run.id, InfrastructurePending())
        if begins:
            await client.set_flow_run_state(run.id, Running())
        return run.id


async def _stop(address: str, run: UUID) -> None:
    async with PrefectClient(address) as client:
        await client.set_flow_run_state(run, Cancelling())


async def _state(address: str, run: UUID) -> State[Any]:
    async with PrefectClient(address) as client:
        state = (await client.read_flow_run(run)).state
        assert state
        return state


@contextlib.contextmanager
def _prefect(
    folder: Path, double: Cluster, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, dict[str, str]]]:
    """Prefect's server with the work pool, and the environment of the worker's Deployment."""
    (port,) = free_ports(1)
    (folder / "prefect").mkdir()
    address = f"http://127.0.0.1:{port}/api"
    env = clean_environment() | _env_of_the_worker() | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": address, "PREFECT_API_KEY": SECRET,
        "KUBECONFIG": str(double.kubeconfig(folder / "worker", token="prefect-worker")),  # noqa: S106
    } | dict(settings)  # fmt: skip
    with _program(folder, env, "server", "start", "--port", str(port)):
        wait_for(lambda: _answers(f"{address}/health"), 90, "Prefect")
        asyncio.run(_create_pools(address))
        yield address, env


async def _create_pools(address: str) -> None:
    template = json.loads(deployments.JOB_TEMPLATE.read_text())
    pools = ("kubernetes", template), ("process", {})
    async with PrefectClient(address) as client:
        for name, base in pools:
            await client.create_work_pool(WorkPoolCreate(name=name, type=name, base_job_template=base))


def _env_of_the_worker() -> dict[str, str]:
    """Environment variables of the worker's container, as its manifest sets them."""
    manifests = yaml.safe_load_all((deployments.JOB_TEMPLATE.parent / "prefect-worker.yaml").read_text())
    container = next(manifests)["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in container["env"]}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def _program(folder: Path, env: Mapping[str, str], *arguments: str) -> Iterator[None]:
    """A program of Prefect's; it is killed at the end: its worker does not end while it watches a cluster."""
    with (folder / f"{arguments[0]}.out").open("w") as out:
        command = [sys.executable, "-m", "prefect", *arguments]
        process = subprocess.Popen(command, env=dict(env), stdout=out, stderr=out)
    try:
        yield
    finally:
        process.kill()
        process.wait()
