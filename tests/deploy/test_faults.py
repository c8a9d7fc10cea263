"""Single faults in the manifests, as data: 41 of a review, of which the rules caught 17. All must be caught.

Tests of manifests that render well are in test_manifests.py.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from components.integrations.kubernetes import predicates
from components.integrations.kubernetes.rules import problems
from flows import deployments
from tests.conftest import REPO
from tests.deploy.conftest import IMAGE, rendered
from tests.deploy.test_worker import job_of

GONE = object()
AIMED_AT = 38
POD, CONTAINER = "spec template spec", "spec template spec containers 0"
DEPLOYMENT, BUDGET = "Deployment palate", "PodDisruptionBudget palate"
LABEL = "app.kubernetes.io/name"
SERVICE, PIPELINE = "overlays/watched", "pipeline"
FAULTS: list[tuple[str, str, str, str, Any]] = [
    # Caught before.
    ("selector of the Service", SERVICE, "Service palate", f"spec selector {LABEL}", "pallet"),
    ("selector of the Deployment", SERVICE, DEPLOYMENT, f"spec selector matchLabels {LABEL}", "x"),
    ("selector of the budget", SERVICE, BUDGET, f"spec selector matchLabels {LABEL}", "x"),
    ("selector of a policy", SERVICE, "NetworkPolicy palate", f"spec podSelector matchLabels {LABEL}", "x"),
    ("target port", SERVICE, "Service palate", "spec ports 0 targetPort", "web"),
    ("port of a probe", SERVICE, DEPLOYMENT, f"{CONTAINER} readinessProbe httpGet port", "web"),
    ("autoscaler's target", SERVICE, "HorizontalPodAutoscaler palate", "spec scaleTargetRef name", "pallet"),
    ("minimum over maximum", SERVICE, "HorizontalPodAutoscaler palate", "spec minReplicas", 7),
    ("budget that lets nobody go", SERVICE, BUDGET, "spec minAvailable", 2),
    ("ConfigMap that is missing", SERVICE, DEPLOYMENT, f"{CONTAINER} envFrom 0 configMapRef name", "x"),
    ("request over limit", SERVICE, DEPLOYMENT, f"{CONTAINER} resources requests memory", "3Gi"),
    ("quantity", SERVICE, DEPLOYMENT, f"{CONTAINER} resources limits memory", "2 GB"),
    ("tag for a digest", SERVICE, DEPLOYMENT, f"{CONTAINER} image", "registry.example/palate:1"),
    ("pods may be root", SERVICE, DEPLOYMENT, f"{POD} securityContext runAsNonRoot", False),
    ("privileged", SERVICE, DEPLOYMENT, f"{CONTAINER} securityContext privileged", True),
    ("root to write to", SERVICE, DEPLOYMENT, f"{CONTAINER} securityContext readOnlyRootFilesystem", False),
    ("no default deny", SERVICE, "NetworkPolicy default-deny", "spec policyTypes", ["Ingress"]),
    # Missed before.
    ("user 0 of the pod", SERVICE, DEPLOYMENT, f"{POD} securityContext runAsUser", 0),
    ("user 0 of the container", SERVICE, DEPLOYMENT, f"{CONTAINER} securityContext runAsUser", 0),
    ("port of the host", SERVICE, DEPLOYMENT, f"{CONTAINER} ports 0 hostPort", 3000),
    ("budget with both fields", SERVICE, BUDGET, "spec maxUnavailable", 1),
    ("rollout without a way", SERVICE, DEPLOYMENT, "spec strategy rollingUpdate maxSurge", 0),
    ("mount of no volume", SERVICE, DEPLOYMENT, f"{CONTAINER} volumeMounts 0 name", "scrap"),
    ("liveness twice", SERVICE, DEPLOYMENT, f"{CONTAINER} livenessProbe successThreshold", 2),
    ("spread", SERVICE, DEPLOYMENT, f"{POD} topologySpreadConstraints 0 whenUnsatisfiable", "Anyway"),
    ("unknown level", SERVICE, "Namespace palate", "metadata labels pod-security.kubernetes.io/enfroce", "x"),
    ("no level", SERVICE, "Namespace palate", "metadata labels pod-security.kubernetes.io/enforce", GONE),
    ("account", PIPELINE, "Deployment prefect-worker", f"{POD} serviceAccountName", "worker"),
    ("Role", PIPELINE, "RoleBinding prefect-worker", "roleRef name", "worker"),
    ("subject", PIPELINE, "RoleBinding prefect-worker", "subjects 0 name", "worker"),
    ("claim", PIPELINE, "Job night-x", f"{POD} volumes 1 persistentVolumeClaim claimName", "clone"),
    ("token", SERVICE, DEPLOYMENT, f"{POD} automountServiceAccountToken", GONE),
    ("grace", SERVICE, DEPLOYMENT, f"{POD} terminationGracePeriodSeconds", 30),
    ("port of the container", SERVICE, DEPLOYMENT, f"{CONTAINER} ports 0 containerPort", 8000),
    ("path of a probe", SERVICE, DEPLOYMENT, f"{CONTAINER} readinessProbe httpGet path", "/ready"),
    ("target's API", SERVICE, "HorizontalPodAutoscaler palate", "spec scaleTargetRef apiVersion", "apps/v2"),
    ("MLflow's port", PIPELINE, "Service mlflow", "spec ports 0 port", 5001),
    ("no DNS", PIPELINE, "NetworkPolicy out", "spec egress 0 ports 0 port", 54),
    ("port of a policy", SERVICE, "NetworkPolicy palate", "spec ingress 0 ports 0 port", "web"),
    ("monitoring", SERVICE, "NetworkPolicy palate",
     "spec ingress 0 from 1 namespaceSelector matchLabels kubernetes.io/metadata.name", "monitor"),
    ("nobody let in", SERVICE, "NetworkPolicy palate", "spec ingress", GONE),
]  # fmt: skip
# Faults that the release at d00e758 held itself.
MENDED: list[tuple[str, str, str, str, Any]] = [
    ("broken pods block a node", SERVICE, BUDGET, "spec unhealthyPodEvictionPolicy", GONE),
    ("service links", PIPELINE, "Deployment mlflow", f"{POD} enableServiceLinks", GONE),
    ("no deadline", PIPELINE, "Job night-x", "spec activeDeadlineSeconds", GONE),
    ("volume walked", PIPELINE, "Job night-x", f"{POD} securityContext fsGroupChangePolicy", GONE),
    ("disk without limit", PIPELINE, "Deployment mlflow",
     f"{CONTAINER} resources limits ephemeral-storage", GONE),
]  # fmt: skip


def broken(deploy: Path, overlay: str, name: str, path: str, value: Any) -> list[str]:
    """What the rules say of an overlay with one fault, beside what they say of it without."""
    objects: list[dict[str, Any]] = rendered(deploy, overlay)
    if overlay == PIPELINE:
        objects.append(job_of(deployments.job_template(IMAGE)))
    before = problems(objects)
    objects = copy.deepcopy(objects)
    (faulty,) = [each for each in objects if f"{each['kind']} {each['metadata']['name']}" == name]
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split()]
    target: Any = faulty
    for part in parents:
        target = target[part]
    if value is GONE:
        del target[last]
    else:
        target[last] = value
    return [each for each in problems(objects) if each not in before]


@pytest.mark.parametrize("fault", [*FAULTS, *MENDED], ids=[each[0] for each in [*FAULTS, *MENDED]])
def test_a_single_fault_is_caught(deploy: Path, fault: tuple[str, str, str, str, Any]) -> None:
    assert broken(deploy, *fault[1:])


def test_the_table_holds_the_faults_of_the_review() -> None:
    assert len({each[0] for each in FAULTS}) == 41 >= AIMED_AT


def test_the_longest_request_is_the_services() -> None:
    text = (REPO / "serving" / "service.py").read_text()
    assert f'"timeout": {predicates.LONGEST_REQUEST_S}' in text
