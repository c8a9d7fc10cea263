"""What a review of a real cluster asked of single settings of the manifests, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from components.integrations.kubernetes.rules import problems
from flows import deployments
from tests.deploy.conftest import IMAGE, rendered
from tests.deploy.test_worker import job_of

POD, CONTAINER = "spec template spec", "spec template spec containers 0"
ZONE, NAME = "topology.kubernetes.io/zone", {"app.kubernetes.io/name": "palate"}
SERVICE, PIPELINE = "overlays/watched", "pipeline"
SECRET = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_{}_SECRET_{}"  # noqa: S105
SETTINGS: list[tuple[str, str, str, Any]] = [
    (SERVICE, "Deployment palate", f"{CONTAINER} startupProbe",
     {"httpGet": {"path": "/livez", "port": "http"}, "periodSeconds": 2, "failureThreshold": 150}),
    (SERVICE, "Deployment palate", f"{CONTAINER} readinessProbe httpGet path", "/readyz"),
    (SERVICE, "Deployment palate", f"{CONTAINER} resources requests memory", "1536Mi"),
    (SERVICE, "Deployment palate", f"{POD} topologySpreadConstraints 1 topologyKey", ZONE),
    (SERVICE, "Deployment palate", "spec minReadySeconds", 10),
    (SERVICE, "Deployment palate", "spec template metadata labels palate/model-version", "3"),
    (SERVICE, "ServiceMonitor palate", "metadata labels release", "kube-prometheus-stack"),
    (PIPELINE, "Deployment mlflow", "spec strategy type", "Recreate"),
    (PIPELINE, "Deployment mlflow", f"{POD} initContainers 0 command 2",
     'mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"'),
    *((PIPELINE, "Deployment mlflow", f"{CONTAINER} {probe}Probe timeoutSeconds", 5)
      for probe in ("startup", "readiness", "liveness")),
    (PIPELINE, "NetworkPolicy out", "spec egress 0 ports 2", {"protocol": "UDP", "port": 5353}),
]  # fmt: skip


def at(objects: list[dict[str, Any]], name: str, path: str) -> Any:
    (value,) = [each for each in objects if f"{each['kind']} {each['metadata']['name']}" == name]
    for part in path.split():
        value = value[int(part) if part.isdecimal() else part]
    return value


@pytest.mark.parametrize("setting", SETTINGS, ids=[f"{name}: {path}" for _, name, path, _ in SETTINGS])
def test_a_setting_is_what_the_review_asked_for(deploy: Path, setting: tuple[str, str, str, Any]) -> None:
    overlay, name, path, value = setting
    assert at(rendered(deploy, overlay), name, path) == value


def test_a_new_version_is_a_label_of_pods_and_never_of_selectors(deploy: Path) -> None:
    objects = rendered(deploy, SERVICE)
    assert at(objects, "Service palate", "spec selector") == NAME
    assert at(objects, "Deployment palate", "spec selector matchLabels") == {
        "app.kubernetes.io/name": "palate"
    }


def test_nobody_scales_dev_and_no_pod_reads_a_secret_that_nobody_writes(deploy: Path) -> None:
    objects = rendered(deploy, "overlays/dev")
    assert "HorizontalPodAutoscaler" not in {each["kind"] for each in objects}
    assert "palate-feedback" not in str(objects)


@pytest.mark.parametrize("credential", ["KEY", "AUTH_STRING"])
def test_jobs_read_prefects_credentials_from_the_secret(deploy: Path, credential: str) -> None:
    env = at(rendered(deploy, PIPELINE), "Deployment prefect-worker", f"{CONTAINER} env")
    values = {each["name"]: each["value"] for each in env}
    assert values[SECRET.format(credential, "NAME")] == "palate-pipeline"
    assert values[SECRET.format(credential, "KEY")] == f"PREFECT_API_{credential}"


def with_component(deploy: Path, overlay: str, component: str) -> list[dict[str, Any]]:
    (deploy / component).mkdir()
    values = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [f"../{overlay}"], "components": [f"../components/{component}"],
    }  # fmt: skip
    (deploy / component / "kustomization.yaml").write_text(yaml.safe_dump(values))
    return rendered(deploy, component)


def test_the_service_may_have_a_gpu(deploy: Path) -> None:
    objects = with_component(deploy, "overlays/prod", "gpu")
    assert problems(objects) == []
    for manifest in objects:
        kubernetes_validate.validate(manifest, "1.32", strict=True)
    pod = at(objects, "Deployment palate", POD)
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_a_night_may_have_a_gpu() -> None:
    job = job_of(deployments.job_template(IMAGE, gpu=True))
    kubernetes_validate.validate(job, "1.32", strict=True)
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["containers"][0]["image"] == IMAGE


def test_mlflow_may_reach_s3_on_another_port(deploy: Path) -> None:
    objects = with_component(deploy, PIPELINE, "s3-port")
    assert at(objects, "NetworkPolicy s3", "spec egress 0 ports 0 port") == 9000
