"""Pods that do not get ready, with their events, as kubectl gives them (unready_pods.yaml)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CASES: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("unready_pods.yaml").read_text())
CRASH, FULL = "a crash at the start, between two tries", "unschedulable"
MADE = "2026-12-01T03:00:00Z"


def things_of(case: str, namespace: str, template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Makes the pod of a case from a Deployment's template, and its events."""
    image = template["spec"]["containers"][0]["image"]
    recorded = json.loads(json.dumps(CASES[case]).replace("IMAGE", image))
    name, uid = "palate-7d9c6b9f5d-x2x7k", "6d0f4b1e-0000-4000-8000-000000000000"
    labels = template["metadata"]["labels"] | {"pod-template-hash": "7d9c6b9f5d"}
    meta = template["metadata"] | {"name": name, "namespace": namespace, "uid": uid, "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta | {"creationTimestamp": MADE},
           "spec": template["spec"], "status": recorded["status"]}  # fmt: skip
    involved = {"kind": "Pod", "apiVersion": "v1", "namespace": namespace, "name": name, "uid": uid}
    events = [
        {"apiVersion": "v1", "kind": "Event", "involvedObject": involved,
         "metadata": {"name": f"{name}.{number:016x}", "namespace": namespace}} | event
        for number, event in enumerate(recorded["events"])
    ]  # fmt: skip
    return [pod, *events]


def pods_of(case: str) -> functools.partial[list[dict[str, Any]]]:
    """Makes what the double's store does of an image whose pods end as in a case."""
    return functools.partial(things_of, case)
