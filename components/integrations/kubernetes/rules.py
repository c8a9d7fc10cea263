"""Rules that Kubernetes' schemas do not check: labels, ports, references and quantities that must match.

What one value shows stands in the table of `facts`. Each rule reads one manifest beside all of its overlay
and yields a sentence for each breach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.integrations.kubernetes import facts
from components.integrations.kubernetes.predicates import Manifest

_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_SCALE = {
    "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_WITH_PODS = ("Deployment", "Job")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def problems(manifests: Sequence[Manifest]) -> list[str]:
    """All breaches of all rules, as sentences that begin with the object's kind and name.

    Args:
        manifests: All objects of one overlay.
    """
    return [
        f"{_name(manifest)}: {breach}"
        for rule in RULES
        for manifest in manifests
        for breach in rule(manifest, manifests)
    ]


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _of(kind: str, manifests: Sequence[Manifest]) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def _pods(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Pod templates of all Deployments."""
    return [deployment["spec"]["template"] for deployment in _of("Deployment", manifests)]


def _containers(manifest: Manifest) -> list[Manifest]:
    """Containers of a Deployment's or Job's pods, init containers included; none for any other kind."""
    if manifest["kind"] not in _WITH_PODS:
        return []
    pod = manifest["spec"]["template"]["spec"]
    return [*pod["containers"], *pod.get("initContainers", [])]


def _selects(selector: Mapping[str, str], target: Manifest) -> bool:
    """Whether a pod or Service has all labels of a selector; an empty selector selects nothing."""
    return bool(selector) and selector.items() <= target["metadata"].get("labels", {}).items()


def _ports(container: Manifest) -> set[Any]:
    """Names and numbers of a container's ports; other objects may refer to either."""
    return {
        port[key] for port in container.get("ports", []) for key in ("name", "containerPort") if key in port
    }


def selectors_meet_pods(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """The labels that Deployment, Service, disruption budget and network policy select are those of a pod."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        selector = spec.get("selector", {})
    elif manifest["kind"] in {"Deployment", "PodDisruptionBudget"}:
        selector = spec["selector"].get("matchLabels", {})
    elif manifest["kind"] == "NetworkPolicy" and spec["podSelector"].get("matchLabels"):
        selector = spec["podSelector"].get("matchLabels", {})
    else:
        return
    pods = [spec["template"]] if manifest["kind"] == "Deployment" else _pods(manifests)
    if not any(_selects(selector, pod) for pod in pods):
        yield f"no pod has the labels {dict(selector)} that it selects"


def ports_exist(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """The target port of a Service and the port of a probe are ports of the containers behind them."""
    if manifest["kind"] == "Service":
        pods = [pod for pod in _pods(manifests) if _selects(manifest["spec"].get("selector", {}), pod)]
        open_ports = {
            port for pod in pods for container in pod["spec"]["containers"] for port in _ports(container)
        }
        targets = [port.get("targetPort", port["port"]) for port in manifest["spec"]["ports"]]
        yield from (
            f"target port {port} is no port of its pods" for port in targets if port not in open_ports
        )
    for container in _containers(manifest):
        for probe in _PROBES:
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in _ports(container):
                yield f"{probe} asks port {port}, which container {container['name']} has not"


def autoscaler_fits(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """An autoscaler's target exists and sets no replicas itself, and its minimum is at most its maximum."""
    if manifest["kind"] != "HorizontalPodAutoscaler":
        return
    target, spec = manifest["spec"]["scaleTargetRef"], manifest["spec"]
    targets = [each for each in _of(target["kind"], manifests) if each["metadata"]["name"] == target["name"]]
    if not targets:
        yield f"its target {target['kind']} {target['name']} is not there"
    if spec.get("minReplicas", 1) > spec["maxReplicas"]:
        yield f"minReplicas {spec['minReplicas']} is more than maxReplicas {spec['maxReplicas']}"
    if any("replicas" in each["spec"] for each in targets):
        yield f"{target['kind']} {target['name']} sets replicas: every apply would undo the autoscaler's"


def monitors_meet_services(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """A ServiceMonitor selects an existing Service and scrapes one of its ports."""
    if manifest["kind"] != "ServiceMonitor":
        return
    selector = manifest["spec"]["selector"].get("matchLabels", {})
    services = [service for service in _of("Service", manifests) if _selects(selector, service)]
    if not services:
        yield f"no Service has the labels {dict(selector)} that it selects"
        return
    ports = {port.get("name") for service in services for port in service["spec"]["ports"]}
    scraped = [endpoint["port"] for endpoint in manifest["spec"]["endpoints"]]
    yield from (f"port {port} is no port of its Service" for port in scraped if port not in ports)


def everything_is_denied_first(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """One network policy denies all traffic of all pods, so that the others only add what is allowed."""
    if manifest["kind"] != "Deployment":
        return
    for policy in _of("NetworkPolicy", manifests):
        spec = policy["spec"]
        closes = {"Ingress", "Egress"} <= set(spec.get("policyTypes", []))
        if not spec["podSelector"] and closes and not spec.get("ingress") and not spec.get("egress"):
            return
    yield "no network policy denies everything that no other one allows"


def disruption_budget_lets_nodes_drain(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """A disruption budget lets at least one pod be evicted, also at the autoscaler's minimum."""
    if manifest["kind"] != "PodDisruptionBudget":
        return
    if manifest["spec"].get("maxUnavailable") in {0, "0%"}:
        yield "maxUnavailable 0 lets no pod go"
    least = manifest["spec"].get("minAvailable")
    if least == "100%":
        yield "minAvailable 100% lets no pod go"
    if not isinstance(least, int):
        return
    for scaler in _of("HorizontalPodAutoscaler", manifests):
        if least >= scaler["spec"].get("minReplicas", 1):
            yield f"minAvailable {least} lets no pod go where the autoscaler keeps only that many"


def references_exist(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """ConfigMaps and Secrets that containers and volumes refer to exist or are marked optional."""
    existing = {(other["kind"], other["metadata"]["name"]) for other in manifests}
    for kind, name in _references(manifest):
        if (kind, name) not in existing:
            yield f"{kind} {name} is not there and not optional"


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of every ConfigMap and Secret that a part of a manifest refers to and needs."""
    kinds = {"configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap", "configMap": "ConfigMap",
             "secretRef": "Secret", "secretKeyRef": "Secret", "secret": "Secret"}  # fmt: skip
    if isinstance(value, Mapping):
        for key, child in value.items():
            name = (child.get("name") or child.get("secretName")) if isinstance(child, Mapping) else None
            if key in kinds and name and not child.get("optional"):
                yield kinds[key], name
            yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


def requests_fit_limits(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """Every container requests CPU and memory, and no request is above its limit."""
    for container in _containers(manifest):
        resources = container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        missing = [resource for resource in ("cpu", "memory") if resource not in requests]
        yield from (f"container {container['name']} requests no {resource}" for resource in missing)
        for resource in requests.keys() & limits.keys():
            request, limit = requests[resource], limits[resource]
            if _amount(request) > _amount(limit):
                yield f"container {container['name']} requests {request} {resource}, its limit is {limit}"


def _amount(quantity: Any) -> float:
    """A quantity such as `500m` or `2Gi` in cores or bytes; NaN where it cannot be read."""
    match = _QUANTITY.match(str(quantity))
    return float(match[1]) * _SCALE.get(match[2], 1) if match else float("nan")


def quantities_can_be_read(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """Requests and limits are quantities that Kubernetes can read."""
    for container in _containers(manifest):
        for quantities in container.get("resources", {}).values():
            yield from (
                f"{resource} {quantity!r} is no quantity"
                for resource, quantity in quantities.items()
                if not _QUANTITY.match(str(quantity))
            )


Rule = Callable[[Manifest, Sequence[Manifest]], Iterator[str]]
RULES: tuple[Rule, ...] = (
    selectors_meet_pods,
    monitors_meet_services,
    everything_is_denied_first,
    ports_exist,
    autoscaler_fits,
    disruption_budget_lets_nodes_drain,
    references_exist,
    requests_fit_limits,
    quantities_can_be_read,
    facts.breaches,
)
