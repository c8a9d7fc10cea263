"""What the double says that it has: groups, resources, and the OpenAPI of its strict validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.deploy.cluster.admission import Refused

KINDS = {
    "v1": [("namespaces", "Namespace"), ("pods", "Pod"), ("services", "Service"), ("configmaps", "ConfigMap"),
           ("secrets", "Secret"), ("serviceaccounts", "ServiceAccount"), ("events", "Event"),
           ("persistentvolumeclaims", "PersistentVolumeClaim")],
    "apps/v1": [("deployments", "Deployment")],
    "batch/v1": [("jobs", "Job")],
    "autoscaling/v2": [("horizontalpodautoscalers", "HorizontalPodAutoscaler")],
    "policy/v1": [("poddisruptionbudgets", "PodDisruptionBudget")],
    "networking.k8s.io/v1": [("networkpolicies", "NetworkPolicy"), ("ingresses", "Ingress")],
    "storage.k8s.io/v1": [("storageclasses", "StorageClass")],
    "rbac.authorization.k8s.io/v1": [("roles", "Role"), ("rolebindings", "RoleBinding")],
}  # fmt: skip
VERBS = ["create", "delete", "get", "list", "patch", "watch"]
WITHOUT_NAMESPACE = {"namespaces", "storageclasses"}
IN_ALL = {"pods", "services", "deployments", "jobs"}  # what `kubectl get all` asks for


def answer(parts: list[str]) -> Mapping[str, Any]:
    """The answer to a question on the server itself; the parts are those of its path."""
    groups = [api for api in KINDS if "/" in api]
    match parts:
        case ["version"]:
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            versions = [
                (api.partition("/")[0], {"groupVersion": api, "version": api.partition("/")[2]})
                for api in groups
            ]
            listed = [{"name": name, "versions": [each], "preferredVersion": each} for name, each in versions]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["openapi", "v3"]:
            paths = {f"apis/{api}": {"serverRelativeURL": f"/openapi/v3/apis/{api}"} for api in groups}
            return {"paths": paths | {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}}
        case ["openapi", "v3", *api]:
            return _openapi("/".join(api[1:]))
        case ["api" | "apis", *api] if "/".join(api) in KINDS:
            return _resources("/".join(api))
    raise Refused(404, "NotFound", "/".join(parts))


def _resources(api: str) -> Mapping[str, Any]:
    resources = [
        {"name": name, "singularName": kind.lower(), "kind": kind, "verbs": VERBS,
         "namespaced": name not in WITHOUT_NAMESPACE, "categories": ["all"] if name in IN_ALL else []}
        for name, kind in KINDS[api]
    ]  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": resources}


def _openapi(api: str) -> Mapping[str, Any]:
    group, _, version = api.rpartition("/")
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths = {
        f"/{name}": {
            "patch": {
                "parameters": [parameter],
                "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
            }
        }
        for name, kind in KINDS[api]
    }
    return {"openapi": "3.0.0", "info": {"title": "double", "version": "1"}, "paths": paths}
