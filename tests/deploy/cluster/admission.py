"""What the double of the API server refuses: wrong schemas, unrestricted pods, calls without a right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
import kubernetes_validate

SCHEMAS = "1.36"
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
ENFORCE = "pod-security.kubernetes.io/enforce"


class Refused(Exception):
    """A refusal with its HTTP status and the reason's name."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


def check_schema(thing: dict[str, Any], strict: bool) -> None:
    """Refuses what does not fit Kubernetes' JSON schema; unknown fields are dropped unless strict."""
    while True:
        try:
            kubernetes_validate.validate(thing, SCHEMAS, strict=True)
        except jsonschema.ValidationError as error:
            unknown = set(error.instance) - set(error.schema.get("properties", {}))
            if error.validator != "additionalProperties" or strict:
                where = "/".join(str(part) for part in error.absolute_path)
                raise Refused(422, "Invalid", f"{thing['kind']}: {where}: {error.message}") from error
            for name in unknown:
                del error.instance[name]
        except kubernetes_validate.utils.SchemaNotFoundError as error:
            raise Refused(404, "NotFound", error.message) from error
        else:
            return


def pod_of(thing: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod template that a workload makes its pods from."""
    return thing["spec"]["template"] if thing["kind"] in {"Deployment", "Job"} else None


def check_pod_security(pod: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
    """Refuses a pod that the level `restricted` forbids, where the namespace enforces that level."""
    if namespace["metadata"].get("labels", {}).get(ENFORCE) != "restricted":
        return
    broken = list(_unrestricted(pod["spec"]))
    if broken:
        raise Refused(403, "Forbidden", f'violates PodSecurity "restricted:latest": {", ".join(broken)}')


def _unrestricted(spec: Mapping[str, Any]) -> Iterator[str]:
    pod = spec.get("securityContext", {})
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))
    yield from (f"volume {each['name']}" for each in spec.get("volumes", []) if not VOLUMES & each.keys())
    if pod.get("runAsUser") == 0:
        yield "runAsUser=0"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        context = pod | container.get("securityContext", {})
        capabilities = context.get("capabilities", {})
        required = {
            "allowPrivilegeEscalation != false": context.get("allowPrivilegeEscalation") is False,
            "unrestricted capabilities": "ALL" in capabilities.get("drop", [])
            and set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "runAsNonRoot != true": context.get("runAsNonRoot") is True,
            "runAsUser=0": context.get("runAsUser") != 0,
            "seccompProfile": context.get("seccompProfile", {}).get("type")
            in {"RuntimeDefault", "Localhost"},
            "privileged": not context.get("privileged"),
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        }
        yield from (f"{rule} (container {container['name']})" for rule, held in required.items() if not held)


def check_right(rules: Sequence[Mapping[str, Any]] | None, verb: str, group: str, resource: str) -> None:
    """Refuses a call that no rule of the caller's Role allows; None stands for all rights."""
    if rules is None:
        return
    for rule in rules:
        if group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]:
            return
    raise Refused(403, "Forbidden", f"cannot {verb} resource {resource} in API group {group!r}")
