"""Pods that are not ready: the version is blamed for a crash and a failed readiness, and for nothing else."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml

from components.integrations.kubernetes.pods import why_unready
from tests.deploy import golden
from tests.deploy.unready import CASES, CRASH, FULL, things_of

TIMEOUT_S = 600


@pytest.fixture(scope="module")
def owner() -> dict[str, Any]:
    """The Deployment of a release."""
    objects = yaml.safe_load_all(golden.golden_of("released").read_text())
    (deployment,) = [each for each in objects if each["kind"] == "Deployment"]
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    return dict(deployment) | {"status": {"conditions": [condition]}}


def test_pods_tell_by_their_own_reason_whose_fault_it_is(owner: dict[str, Any]) -> None:
    wrong = {}
    for case, expected in CASES.items():
        things = things_of(case, "palate", owner["spec"]["template"])
        for thing in things:
            kubernetes_validate.validate(thing, "1.36", strict=True)
        unready = why_unready([owner, *things], "palate", TIMEOUT_S)
        if unready.of_version != expected["of_version"] or expected["words"] not in unready.why:
            wrong[case] = unready
    assert wrong == {}


def test_pods_of_another_release_tell_nothing(owner: dict[str, Any]) -> None:
    older = copy.deepcopy(owner["spec"]["template"])
    older["metadata"]["labels"]["palate/model-version"] = "2"
    leaving = things_of(CRASH, "palate", owner["spec"]["template"])
    leaving[0]["metadata"]["deletionTimestamp"] = "2026-12-01T03:05:00Z"
    things = [owner, *things_of(CRASH, "palate", older), *leaving]
    assert why_unready(things, "palate", TIMEOUT_S) == ("no pod says why", False)


def test_a_crash_is_told_before_a_full_cluster_and_a_quota_where_there_is_no_pod(
    owner: dict[str, Any],
) -> None:
    template = owner["spec"]["template"]
    both = [owner, *things_of(FULL, "palate", template), *things_of(CRASH, "palate", template)]
    assert why_unready(both, "palate", TIMEOUT_S).of_version
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: compute"}
    alone = owner | {"status": {"conditions": [refused]}}
    assert why_unready([alone], "palate", TIMEOUT_S) == ("exceeded quota: compute", False)
