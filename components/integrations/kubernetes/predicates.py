"""What `facts` asks of single values of a manifest, where it takes more than a comparison."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
Holds = Callable[[Any, "Scope"], Any]
LONGEST_REQUEST_S = 30  # the service's own time-out (serving/service.py)
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = {
    f"pod-security.kubernetes.io/{mode}{end}"
    for mode in ("enforce", "audit", "warn")
    for end in ("", "-version")
}
PROGRAMS: Mapping[str, tuple[int, Collection[str]]] = {
    "palate": (3000, ("/livez", "/readyz")),
    "mlflow": (5000, ("/health",)),
    "worker": (8080, ("/health",)),
}  # port and paths of probes that the program in a container of this name has
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_ADDRESS = re.compile(r"^https?://([a-z0-9-]+):([0-9]+)")


class Scope(NamedTuple):
    """Where a value stands: its object, all objects of the overlay, the element of a list that holds it."""

    manifest: Manifest
    manifests: Sequence[Manifest]
    element: Manifest

    def names(self, kind: str) -> set[str]:
        """Names of all objects of a kind."""
        return {each["metadata"]["name"] for each in self.manifests if each["kind"] == kind}

    def pods(self) -> list[Manifest]:
        """Pod templates of all workloads."""
        return [each["spec"]["template"] for each in self.manifests if each["kind"] in ("Deployment", "Job")]


def is_one_of(allowed: Collection[Any]) -> Holds:
    """Holds of these values."""
    return lambda value, _scope: value in allowed


def names_a(kind: str) -> Holds:
    """Holds where an object of this kind has the name, or where none is named."""
    return lambda value, scope: value is None or value in scope.names(kind)


def _selected(selector: Manifest, pod: Manifest) -> bool:
    """Whether a selector by labels means a pod; one by expressions is taken to mean each that has the key."""
    labels = pod["metadata"].get("labels", {})
    keys = {each["key"] for each in selector.get("matchExpressions", [])}
    return bool(selector.get("matchLabels", {}).items() <= labels.items() and keys <= labels.keys())


def token_is_off_or_used(pod: Any, _scope: Scope) -> bool:
    """Whether pods without a service account of their own get no token of the default one."""
    return pod.get("automountServiceAccountToken") is False or bool(pod.get("serviceAccountName"))


def mounts_are_volumes(pod: Any, _scope: Scope) -> bool:
    """Whether all mounted volumes are there."""
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    return {mount["name"] for each in containers for mount in each.get("volumeMounts", [])} <= volumes


def ends_in_time(pod: Any, _scope: Scope) -> bool:
    """Whether the grace covers the sleep before the signal, where there is one, and the longest request."""
    steps = [each.get("lifecycle", {}).get("preStop", {}) for each in pod["containers"]]
    sleeps = [int(step["exec"]["command"][1]) for step in steps if step.get("exec")]
    return not sleeps or pod.get("terminationGracePeriodSeconds", 30) >= max(sleeps) + LONGEST_REQUEST_S


def address_is_open(address: Any, scope: Scope) -> bool:
    """Whether the Service that an address names has its port; other hosts are not ours to judge."""
    match = _ADDRESS.match(str(address))
    services = [each for each in scope.manifests if each["kind"] == "Service"]
    ports = {each["metadata"]["name"]: {port["port"] for port in each["spec"]["ports"]} for each in services}
    return match is None or match[1] not in ports or int(match[2]) in ports[match[1]]


def has_its_port(container: Any, _scope: Scope) -> bool:
    """Whether a container opens the port of its program."""
    ports = [port["containerPort"] for port in container.get("ports", [])]
    return container["name"] not in PROGRAMS or ports == [PROGRAMS[container["name"]][0]]


def has_its_paths(container: Any, _scope: Scope) -> bool:
    """Whether probes ask paths that the container's program has."""
    probes = [
        container.get(f"{kind}Probe", {}).get("httpGet") for kind in ("startup", "readiness", "liveness")
    ]
    paths = {probe["path"] for probe in probes if probe}
    return container["name"] not in PROGRAMS or paths <= set(PROGRAMS[container["name"]][1])


def known_levels(labels: Any, _scope: Scope) -> bool:
    """Whether Kubernetes knows all labels of Pod Security."""
    return {label for label in labels or () if label.startswith("pod-security.")} <= LEVELS


def _policies(pod: Manifest, way: str, scope: Scope) -> list[Manifest]:
    """What the network policies that select a pod let in (`ingress`) or out (`egress`)."""
    specs = [each["spec"] for each in scope.manifests if each["kind"] == "NetworkPolicy"]
    return [rule for spec in specs if _selected(spec["podSelector"], pod) for rule in spec.get(way) or []]


def finds_names(pod: Any, scope: Scope) -> bool:
    """Whether a pod that may send anything may also ask for names."""
    rules = _policies(pod, "egress", scope)
    ports = {(each.get("protocol", "TCP"), each["port"]) for rule in rules for each in rule.get("ports", [])}
    return not ports or {("UDP", 53), ("TCP", 53)} <= ports


def lets_somebody_in(service: Any, scope: Scope) -> bool:
    """Whether a network policy lets somebody ask the port of the pods behind a Service."""
    selector = {"matchLabels": service.get("selector", {})}
    pods = [pod for pod in scope.pods() if _selected(selector, pod)]
    targets = {port.get("targetPort", port["port"]) for port in service["ports"]}
    rules = [rule for pod in pods for rule in _policies(pod, "ingress", scope) if rule.get("from")]
    return targets <= {port["port"] for rule in rules for port in rule.get("ports", [])}


def lets_monitoring_in(spec: Any, scope: Scope) -> bool:
    """Whether the policy of the service lets Prometheus in; the pipeline's MLflow gives no metrics."""
    peers = [peer for rule in spec.get("ingress") or [] for peer in rule.get("from", [])]
    return scope.manifest["metadata"]["name"] != "palate" or MONITORING in peers


def ports_are_of_pods(spec: Any, scope: Scope) -> bool:
    """Whether ports that a network policy names are ports of its pods."""
    pods = [pod for pod in scope.pods() if _selected(spec["podSelector"], pod)]
    containers = [container for pod in pods for container in pod["spec"]["containers"]]
    names = {port.get("name") for each in containers for port in each.get("ports", [])}
    ports = [port["port"] for rule in spec.get("ingress") or [] for port in rule.get("ports", [])]
    return all(port in names for port in ports if isinstance(port, str))


def is_target(target: Any, scope: Scope) -> bool:
    """Whether an autoscaler names its target's version of the API."""
    same = [each for each in scope.manifests if each["kind"] == target["kind"]]
    return all(each["apiVersion"] == target.get("apiVersion") for each in same)


def one_way(strategy: Any, _scope: Scope) -> bool:
    """Whether a rollout may add or remove a pod."""
    zero = (0, "0%")
    return not strategy or not (strategy.get("maxSurge") in zero and strategy.get("maxUnavailable") in zero)
