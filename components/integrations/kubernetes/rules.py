"""Rules on what the objects of one overlay must agree on: labels, ports, names, replicas, ways in and out.

Mistakes within a single object are found elsewhere: in our manifests by golden files (tests/deploy/golden),
in yours by the server's schemas and Pod Security. Images are checked here, since a release writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
UNRELEASED = "palate.invalid/run-a-release-first"  # image of the base, which no registry has
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")
_DNS = {("UDP", 53), ("TCP", 53)}
_REFERRED = {"Deployment", "StatefulSet", "Role", "ServiceAccount"}  # kinds looked for by name


class Namespace(NamedTuple):
    """All objects of one namespace, the judged one included."""

    manifests: Sequence[Manifest]

    def named(self, kind: str) -> dict[str, Manifest]:
        """Collects the objects of a kind by their names."""
        return {each["metadata"]["name"]: each for each in self.manifests if each["kind"] == kind}

    def selected(self, manifest: Manifest) -> list[Manifest]:
        """Finds the pod templates that an object's selector matches; for a monitor, the Services."""
        pods = [pod for each in self.manifests if (pod := _pod(each))]
        targets = self.named("Service").values() if manifest["kind"] == "ServiceMonitor" else pods
        return [each for each in targets if _matches(_selector(manifest), each)]

    def ports_allowed(self, direction: str, pod: Manifest) -> list[Manifest]:
        """Collects the ports in all `ingress` or `egress` rules for a pod; an empty one stands for all."""
        policies = [each for each in self.named("NetworkPolicy").values() if _matches(_selector(each), pod)]
        ways = [way for each in policies for way in _spec(each).get(direction) or []]
        return [port for way in ways for port in way.get("ports") or [{}]]


def _spec(manifest: Manifest) -> dict[str, Any]:
    return manifest.get("spec") or {}


def _pod(manifest: Manifest) -> Manifest:
    """Finds the template of a workload's pods, whatever the workload's kind; empty for other objects."""
    template = _spec(_spec(manifest).get("jobTemplate", manifest)).get("template") or {}
    return template if "containers" in _spec(template) else {}


def _containers(pod: Manifest) -> list[Manifest]:
    return [*_spec(pod).get("containers", []), *_spec(pod).get("initContainers", [])]


def _selector(manifest: Manifest) -> Manifest:
    """Finds the selector by which an object finds others; empty where it has none."""
    selector: Manifest = _spec(manifest).get("podSelector") or _spec(manifest).get("selector") or {}
    return {"matchLabels": selector} if selector and manifest["kind"] == "Service" else selector


def _matches(selector: Manifest, target: Manifest) -> bool:
    """Tells whether an object has the labels of a selector, and the keys of its expressions."""
    labels = target["metadata"].get("labels", {})
    keys = {each["key"] for each in selector.get("matchExpressions", [])}
    return bool(selector.get("matchLabels", {}).items() <= labels.items() and keys <= labels.keys())


def selectors_find_something(manifest: Manifest, namespace: Namespace) -> Iterator[str]:
    """Finds selectors without a match; a workload must find its own pods."""
    targets = namespace.selected(manifest)
    pod = _pod(manifest)
    if _selector(manifest) and (pod not in targets if pod else not targets):
        yield f"nothing has the labels that it selects, {dict(_selector(manifest))}"


def ports_are_open(manifest: Manifest, namespace: Namespace) -> Iterator[str]:
    """Finds ports that a Service, monitor or policy names although nothing behind it opens them."""
    spec = _spec(manifest)
    names: list[Any] = []
    if manifest["kind"] == "Service" and _selector(manifest):
        names = [port.get("targetPort", port["port"]) for port in spec["ports"]]
    elif manifest["kind"] == "ServiceMonitor":
        names = [endpoint["port"] for endpoint in spec["endpoints"] if "port" in endpoint]
    elif manifest["kind"] == "NetworkPolicy":
        ports = [port.get("port") for way in spec.get("ingress") or [] for port in way.get("ports", [])]
        names = [port for port in ports if isinstance(port, str)]
    openers = [
        opener for each in namespace.selected(manifest) for opener in _containers(each) or [_spec(each)]
    ]
    ports = [port for each in openers for port in each.get("ports", [])]
    there = {port.get(key) for port in ports for key in ("name", "containerPort")}
    yield from (f"nothing behind it opens port {name}" for name in names if name not in there)


def references_exist(manifest: Manifest, namespace: Namespace) -> Iterator[str]:
    """Finds references to missing objects. Secrets may be missing here: they are made by hand."""
    for kind, name in sorted(set(_references(manifest))):
        if name not in namespace.named(kind):
            yield f"{kind} {name} is not there"


def _references(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields kind and name of each object that a manifest, or a value in it, refers to and needs."""
    match key, value:
        case "serviceAccountName", str(name) if name != "default":
            yield "ServiceAccount", name
        case "persistentVolumeClaim", {"claimName": name}:
            yield "PersistentVolumeClaim", name
        case "configMapRef" | "configMapKeyRef" | "configMap", {"name": name} if not value.get("optional"):
            yield "ConfigMap", name
        case "scaleTargetRef" | "subjects" | "roleRef", {"kind": kind, "name": name} if kind in _REFERRED:
            yield kind, name
        case "service" | "backendRefs", {"name": name, "port": _}:  # of an Ingress, of a Gateway's route
            yield "Service", name
    if isinstance(value, Mapping):
        for inner, child in value.items():
            yield from _references(child, inner)
    for child in value if isinstance(value, list) else []:
        yield from _references(child, key)


def replicas_agree(manifest: Manifest, namespace: Namespace) -> Iterator[str]:
    """Finds an autoscaler that its target undoes, and a disruption budget that lets no pod be stopped."""
    spec = _spec(manifest)
    if manifest["kind"] == "HorizontalPodAutoscaler":
        reference = spec["scaleTargetRef"]
        target: Manifest = namespace.named(reference["kind"]).get(reference["name"], reference)
        if "replicas" in _spec(target):
            yield "its target sets replicas, so each apply would undo the autoscaler's"
    elif manifest["kind"] == "PodDisruptionBudget":
        scalers = namespace.named("HorizontalPodAutoscaler").values()
        fewest = min([_spec(each).get("minReplicas", 1) for each in scalers], default=2)
        if isinstance(spec.get("minAvailable"), int) and spec["minAvailable"] >= fewest:
            yield f"minAvailable {spec['minAvailable']} lets no pod go where {fewest} run"


def policies_agree(manifest: Manifest, namespace: Namespace) -> Iterator[str]:
    """Finds pods that no policy closes or that cannot ask for names, and Services that nobody can reach."""
    specs = [_spec(each) for each in namespace.named("NetworkPolicy").values()]
    closing = [
        spec for spec in specs if not (spec["podSelector"] or spec.get("ingress") or spec.get("egress"))
    ]
    if pod := _pod(manifest):
        if not any({"Ingress", "Egress"} <= set(spec.get("policyTypes", [])) for spec in closing):
            yield "no network policy denies what no other one allows"
        out = {
            (port.get("protocol", "TCP"), port.get("port")) for port in namespace.ports_allowed("egress", pod)
        }
        if out and ("TCP", None) not in out and not out >= _DNS:
            yield "its pods may send, but not ask for names (port 53)"
    elif manifest["kind"] == "Service" and closing and _selector(manifest):
        pods = namespace.selected(manifest)
        let_in = {port.get("port") for each in pods for port in namespace.ports_allowed("ingress", each)}
        targets = {port.get("targetPort", port["port"]) for port in _spec(manifest)["ports"]}
        if None not in let_in and not targets <= let_in:
            yield "no network policy lets anybody ask its pods"


def images_are_pinned(manifest: Manifest) -> Iterator[str]:
    """Finds images without a digest, except the placeholder that a release replaces."""
    for image in sorted({container.get("image", "") for container in _containers(_pod(manifest))}):
        if image != UNRELEASED and not _PINNED.search(image):
            yield f"image {image} is not pinned by its digest: name it as NAME@sha256:…"


def problems(manifests: Sequence[Manifest]) -> list[str]:
    """Applies all rules; each breach is a sentence that begins with the object's kind and name.

    Args:
        manifests: All objects of one rendered overlay.
    """
    rules = selectors_find_something, ports_are_open, references_exist, replicas_agree, policies_agree
    sentences = []
    for manifest in manifests:
        name = manifest["metadata"].get("namespace")
        namespace = Namespace([each for each in manifests if each["metadata"].get("namespace") == name])
        breaches = [breach for rule in rules for breach in rule(manifest, namespace)]
        breaches += images_are_pinned(manifest)
        sentences += [f"{manifest['kind']} {manifest['metadata']['name']}: {breach}" for breach in breaches]
    return sentences
