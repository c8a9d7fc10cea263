"""What Kubernetes' schemas miss: names that must meet, numbers that must fit, images to be pinned."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Manifest = Mapping[str, Any]
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_SCALE = {
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_WITH_PODS = ("Deployment", "Job")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def problems(manifests: Sequence[Manifest]) -> list[str]:
    """Every broken rule as a sentence that names the object; empty where all is well."""
    return [
        f"{_name(each)}: {said}" for rule in RULES for each in manifests for said in rule(each, manifests)
    ]


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _of(kind: str, manifests: Sequence[Manifest]) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == kind]


def _pods(manifests: Sequence[Manifest]) -> list[Manifest]:
    return [each["spec"]["template"] for each in _of("Deployment", manifests)]


def _containers(manifest: Manifest) -> list[Manifest]:
    """Those that run and those that run before them."""
    if manifest["kind"] not in _WITH_PODS:
        return []
    pod = manifest["spec"]["template"]["spec"]
    return [*pod["containers"], *pod.get("initContainers", [])]


def _selects(selector: Mapping[str, str], pod: Manifest) -> bool:
    return bool(selector) and selector.items() <= pod["metadata"].get("labels", {}).items()


def _ports(container: Manifest) -> set[Any]:
    return {
        port[key] for port in container.get("ports", []) for key in ("name", "containerPort") if key in port
    }


def selectors_meet_pods(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """Deployment, Service, disruption budget and network policy select pods that are there."""
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
    """A Service's target port and a probe's port are a port of the pods."""
    if manifest["kind"] == "Service":
        pods = [pod for pod in _pods(manifests) if _selects(manifest["spec"].get("selector", {}), pod)]
        there = {port for pod in pods for each in pod["spec"]["containers"] for port in _ports(each)}
        wanted = [port.get("targetPort", port["port"]) for port in manifest["spec"]["ports"]]
        yield from (f"target port {port} is no port of its pods" for port in wanted if port not in there)
    for container in _containers(manifest):
        for probe in _PROBES:
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in _ports(container):
                yield f"{probe} asks port {port}, which container {container['name']} has not"


def autoscaler_fits(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """The autoscaler's target exists, its bounds are a range, and nobody else sets the replicas."""
    if manifest["kind"] != "HorizontalPodAutoscaler":
        return
    target, spec = manifest["spec"]["scaleTargetRef"], manifest["spec"]
    found = [each for each in _of(target["kind"], manifests) if each["metadata"]["name"] == target["name"]]
    if not found:
        yield f"its target {target['kind']} {target['name']} is not there"
    if spec.get("minReplicas", 1) > spec["maxReplicas"]:
        yield f"minReplicas {spec['minReplicas']} is more than maxReplicas {spec['maxReplicas']}"
    if any("replicas" in each["spec"] for each in found):
        yield f"{target['kind']} {target['name']} sets replicas: every apply would undo the autoscaler's"


def monitors_meet_services(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """A ServiceMonitor selects a Service that is there, and scrapes a port of it."""
    if manifest["kind"] != "ServiceMonitor":
        return
    selector = manifest["spec"]["selector"].get("matchLabels", {})
    found = [
        each for each in _of("Service", manifests)
        if selector and selector.items() <= each["metadata"].get("labels", {}).items()
    ]  # fmt: skip
    if not found:
        yield f"no Service has the labels {dict(selector)} that it selects"
    there = {port.get("name") for each in found for port in each["spec"]["ports"]}
    wanted = [endpoint["port"] for endpoint in manifest["spec"]["endpoints"]]
    yield from (f"port {port} is no port of its Service" for port in wanted if found and port not in there)


def everything_is_denied_first(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """A network policy closes every pod in both directions; others open what is needed."""
    if manifest["kind"] != "Deployment":
        return
    for each in _of("NetworkPolicy", manifests):
        spec = each["spec"]
        closes = {"Ingress", "Egress"} <= set(spec.get("policyTypes", []))
        if not spec["podSelector"] and closes and not spec.get("ingress") and not spec.get("egress"):
            return
    yield "no network policy denies everything that no other one allows"


def disruption_budget_lets_nodes_drain(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """At least one pod may go: the budget is below the least number of replicas."""
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
    """ConfigMaps and Secrets that containers and volumes name are there, or are marked optional."""
    known = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    for kind, name in _references(manifest):
        if (kind, name) not in known:
            yield f"{kind} {name} is not there and not optional"


def _references(value: Any) -> Iterator[tuple[str, str]]:
    kinds = {"configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap", "configMap": "ConfigMap",
             "secretRef": "Secret", "secretKeyRef": "Secret", "secret": "Secret"}  # fmt: skip
    if isinstance(value, Mapping):
        for key, each in value.items():
            name = (each.get("name") or each.get("secretName")) if isinstance(each, Mapping) else None
            if key in kinds and name and not each.get("optional"):
                yield kinds[key], name
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def requests_fit_limits(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """Every container says what it needs, and no request is above its limit."""
    for container in _containers(manifest):
        resources = container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        missing = [each for each in ("cpu", "memory") if each not in requests]
        yield from (f"container {container['name']} requests no {each}" for each in missing)
        for each in requests.keys() & limits.keys():
            if _amount(requests[each]) > _amount(limits[each]):
                wanted, most = requests[each], limits[each]
                yield f"container {container['name']} requests {wanted} {each}, its limit is {most}"


def _amount(quantity: Any) -> float:
    match = _QUANTITY.match(str(quantity))
    return float(match[1]) * _SCALE.get(match[2], 1) if match else float("nan")


def quantities_can_be_read(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """Requests and limits are quantities that Kubernetes can read."""
    for container in _containers(manifest):
        for part in container.get("resources", {}).values():
            yield from (
                f"{name} {value!r} is no quantity"
                for name, value in part.items()
                if not _QUANTITY.match(str(value))
            )


def images_are_pinned(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """An image is named by its digest: a tag can be moved."""
    for container in _containers(manifest):
        if not _DIGEST.search(container.get("image", "")):
            yield f"image {container.get('image')!r} is not pinned by its digest: run a release first"


def pods_are_restricted(manifest: Manifest, _others: Sequence[Manifest]) -> Iterator[str]:
    """What the Pod Security level `restricted` asks for, and a root that cannot be written."""
    if manifest["kind"] not in _WITH_PODS:
        return
    pod = manifest["spec"]["template"]["spec"]
    outer = pod.get("securityContext", {})
    if not outer.get("runAsNonRoot") or outer.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "its pods must say runAsNonRoot and seccompProfile RuntimeDefault"
    shared = [each for each in ("hostNetwork", "hostPID", "hostIPC") if pod.get(each)]
    shared += [f"hostPath {each['name']}" for each in pod.get("volumes", []) if "hostPath" in each]
    yield from (f"its pods share the node's {each}" for each in shared)
    for container in _containers(manifest):
        own = container.get("securityContext", {})
        if (
            own.get("privileged")
            or own.get("runAsNonRoot") is False
            or own.get("capabilities", {}).get("add")
        ):
            yield f"container {container['name']} takes rights that its pod gave up"
        if own.get("allowPrivilegeEscalation") is not False or "ALL" not in own.get("capabilities", {}).get(
            "drop", []
        ):
            yield f"container {container['name']} must drop ALL capabilities and escalation"
        if not own.get("readOnlyRootFilesystem"):
            yield f"container {container['name']} must have a read-only root"


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
    images_are_pinned,
    pods_are_restricted,
)
