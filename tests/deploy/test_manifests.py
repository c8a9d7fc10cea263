"""deploy/ renders, fits the schemas, and meets our own rules; each rule is shown to catch its fault."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from components.domain.errors import StageFailed
from components.integrations.kubernetes import manifests
from components.integrations.kubernetes.rules import problems
from flows import deployments
from tests.conftest import needs
from tests.deploy.conftest import IMAGE, rendered
from tests.deploy.test_worker import job_of

Objects = dict[str, dict[str, Any]]


@pytest.mark.parametrize("overlay", ["overlays/dev", "overlays/prod", "pipeline"])
def test_every_object_has_a_schema_and_fits_it(deploy: Path, overlay: str) -> None:
    objects = rendered(deploy, overlay)
    assert objects
    for manifest in objects:
        kubernetes_validate.validate(manifest, "1.32", strict=True)  # a schema that is not found raises


def test_a_schema_that_is_not_found_is_a_failure() -> None:
    with pytest.raises(kubernetes_validate.utils.SchemaNotFoundError):
        kubernetes_validate.validate({"apiVersion": "v7", "kind": "Pod"}, "1.32", strict=True)


@pytest.mark.parametrize(
    "overlay",
    [
        "overlays/dev",
        "overlays/prod",
        "overlays/watched",
        "overlays/trial",
        "overlays/stored",
        "overlays/monitored",
    ],
)
def test_the_service_meets_every_rule_once_it_is_released(deploy: Path, overlay: str) -> None:
    objects = rendered(deploy, overlay)
    assert problems(objects) == []
    deployment = next(each for each in objects if each["kind"] == "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
    assert deployment["spec"]["template"]["metadata"]["annotations"] == {"palate/model-version": "3"}


def test_in_a_trial_a_pod_has_memory_for_a_second_model(deploy: Path) -> None:
    def memory(overlay: str) -> dict[str, str]:
        (deployment,) = (each for each in rendered(deploy, overlay) if each["kind"] == "Deployment")
        resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
        return {kind: resources[kind]["memory"] for kind in ("requests", "limits")}

    assert memory("overlays/prod") == {"requests": "1536Mi", "limits": "2Gi"}
    assert memory("overlays/trial") == {"requests": "2112Mi", "limits": "2816Mi"}


STORE_POLICY = ("NetworkPolicy", "store")


def test_with_a_store_the_pods_get_its_address_and_a_way_to_it(deploy: Path) -> None:
    objects = rendered(deploy, "overlays/stored")
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    env = {each["name"]: each for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["PALATE_STORE"]["valueFrom"]["secretKeyRef"] == {
        "name": "palate-store",
        "key": "url",
        "optional": True,
    }
    (policy,) = (
        manifest["spec"]
        for manifest in objects
        if (manifest["kind"], manifest["metadata"]["name"]) == STORE_POLICY
    )
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 5432}


def test_the_pipeline_meets_every_rule_but_the_image_that_its_user_builds(deploy: Path) -> None:
    left = problems([*rendered(deploy, "pipeline"), job_of(deployments.job_template(""))])
    by_its_user = ("image 'palate-pipeline'", "Secret palate-pipeline", "Secret palate-mlflow")
    assert [each for each in left if not any(name in each for name in by_its_user)] == []


def test_a_night_in_kubernetes_is_a_job_that_fits_its_schema_and_may_write_its_clone_alone() -> None:
    job = job_of(deployments.job_template(""))
    kubernetes_validate.validate(job, "1.32", strict=True)
    pod = job["spec"]["template"]["spec"]
    assert [each["mountPath"] for each in pod["containers"][0]["volumeMounts"]] == ["/tmp", "/palate"]
    assert deployments.CLONE_OF_JOBS.startswith("/palate/")
    assert pod["containers"][0]["workingDir"] == deployments.CLONE_OF_JOBS


def test_a_release_renders_every_overlay(deploy: Path, tmp_path: Path) -> None:
    manifests.render(deploy / "overlays", tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {
        "dev.yaml",
        "monitored.yaml",
        "prod.yaml",
        "stored.yaml",
        "trial.yaml",
        "watched.yaml",
    }
    assert IMAGE in (tmp_path / "prod.yaml").read_text()
    assert manifests.names_image(deploy / "released" / "kustomization.yaml", IMAGE)
    assert not manifests.names_image(deploy / "nothing.yaml", IMAGE)


def test_an_overlay_that_cannot_be_rendered_is_one_sentence(tmp_path: Path) -> None:
    needs("kubectl")
    (tmp_path / "overlays" / "broken").mkdir(parents=True)
    (tmp_path / "overlays" / "broken" / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(StageFailed, match="kubectl kustomize broken"):
        manifests.render(tmp_path / "overlays", tmp_path / "out")


def _container(objects: Objects) -> dict[str, Any]:
    container: dict[str, Any] = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return container


def _set(value: Any, *path: Any) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        target: Any = _container(objects) if path[0] == "container" else objects[path[0]]
        for part in path[1:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


FAULTS: list[tuple[Callable[[Objects], None], str]] = [
    (
        _set("pallet", "Service", "spec", "selector", "app.kubernetes.io/name"),
        "Service palate-pods: no pod has",
    ),
    (
        _set("x", "Deployment", "spec", "selector", "matchLabels", "app.kubernetes.io/name"),
        "Deployment palate: no pod",
    ),
    (
        _set("x", "PodDisruptionBudget", "spec", "selector", "matchLabels", "app.kubernetes.io/name"),
        "PodDisruptionBudget palate: no pod",
    ),
    (_set("web", "Service", "spec", "ports", 0, "targetPort"), "target port web"),
    (_set("web", "container", "readinessProbe", "httpGet", "port"), "readinessProbe asks port web"),
    (_set("pallet", "HorizontalPodAutoscaler", "spec", "scaleTargetRef", "name"), "target Deployment pallet"),
    (_set(7, "HorizontalPodAutoscaler", "spec", "minReplicas"), "minReplicas 7 is more than"),
    (_set(3, "Deployment", "spec", "replicas"), "sets replicas"),
    (_set(2, "PodDisruptionBudget", "spec", "minAvailable"), "lets no pod go"),
    (_set("other", "container", "envFrom", 0, "configMapRef", "name"), "ConfigMap other is not there"),
    (_set([{"secretRef": {"name": "other"}}], "container", "envFrom"), "Secret other is not there"),
    (_set("3Gi", "container", "resources", "requests", "memory"), "requests 3Gi memory"),
    (_set({}, "container", "resources", "requests"), "requests no cpu"),
    (_set("2 GB", "container", "resources", "limits", "memory"), "'2 GB' is no quantity"),
    (_set("registry.example/palate:latest", "container", "image"), "not pinned"),
    (
        _set(False, "Deployment", "spec", "template", "spec", "securityContext", "runAsNonRoot"),
        "runAsNonRoot",
    ),
    (_set([], "container", "securityContext", "capabilities", "drop"), "drop ALL"),
    (_set(True, "container", "securityContext", "allowPrivilegeEscalation"), "and escalation"),
    (_set(True, "container", "securityContext", "privileged"), "takes rights"),
    (_set(["NET_ADMIN"], "container", "securityContext", "capabilities", "add"), "takes rights"),
    (
        _set(
            "Unconfined",
            "Deployment",
            "spec",
            "template",
            "spec",
            "securityContext",
            "seccompProfile",
            "type",
        ),
        "seccompProfile RuntimeDefault",
    ),
    (_set(True, "Deployment", "spec", "template", "spec", "hostNetwork"), "share the node's hostNetwork"),
    (
        _set([{"name": "x", "hostPath": {"path": "/"}}], "Deployment", "spec", "template", "spec", "volumes"),
        "share the node's hostPath x",
    ),
    (
        _set(
            [{"name": "first", "image": "busybox"}],
            "Deployment",
            "spec",
            "template",
            "spec",
            "initContainers",
        ),
        "container first must drop ALL",
    ),
    (_set("1.2.3", "container", "resources", "limits", "cpu"), "'1.2.3' is no quantity"),
    (_set("100%", "PodDisruptionBudget", "spec", "minAvailable"), "minAvailable 100% lets no pod go"),
    (_set(0, "PodDisruptionBudget", "spec", "maxUnavailable"), "maxUnavailable 0 lets no pod go"),
    (
        _set("pallet", "ServiceMonitor", "spec", "selector", "matchLabels", "app.kubernetes.io/name"),
        "no Service",
    ),
    (_set("web", "ServiceMonitor", "spec", "endpoints", 0, "port"), "port web is no port of its Service"),
    (
        _set("x", "NetworkPolicy", "spec", "podSelector", "matchLabels", "app.kubernetes.io/name"),
        "NetworkPolicy palate: no pod",
    ),
    (
        _set({"matchLabels": {"a": "b"}}, "NetworkPolicy default-deny", "spec", "podSelector"),
        "no network policy denies",
    ),
    (_set([{}], "NetworkPolicy default-deny", "spec", "egress"), "no network policy denies"),
    (_set(["Ingress"], "NetworkPolicy default-deny", "spec", "policyTypes"), "no network policy denies"),
    (_set(False, "container", "securityContext", "readOnlyRootFilesystem"), "read-only root"),
]


def _names(manifest: dict[str, Any]) -> tuple[str, str]:
    return manifest["kind"], f"{manifest['kind']} {manifest['metadata']['name']}"


@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_each_rule_catches_its_fault(deploy: Path, fault: Callable[[Objects], None], words: str) -> None:
    objects = copy.deepcopy(rendered(deploy, "overlays/watched"))
    fault({name: each for each in objects for name in _names(each)})
    reported = problems(objects)
    assert any(words in each for each in reported), reported
