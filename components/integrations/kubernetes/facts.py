"""Facts that must hold in manifests, as a table: where, what must be true, and the sentence if it is not.

`rules` holds what takes more than one value and a look at the other objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from components.integrations.kubernetes.predicates import (
    DIGEST,
    ENFORCE,
    Holds,
    Manifest,
    Scope,
    address_is_open,
    ends_in_time,
    finds_names,
    has_its_paths,
    has_its_port,
    is_one_of,
    is_target,
    known_levels,
    lets_monitoring_in,
    lets_somebody_in,
    mounts_are_volumes,
    names_a,
    one_way,
    ports_are_of_pods,
    token_is_off_or_used,
)

_MORE, _LESS = "takes rights that its pod gave up", "must drop ALL capabilities and escalation"


class Fact(NamedTuple):
    """A row: kinds of object, path of a value, what holds of it (None where it is missing), the sentence."""

    kinds: str
    path: str  # `a|b`: either key; `*`: each element of a list
    holds: Holds
    sentence: str  # {value}, and {name} of the element that holds it


def breaches(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each fact that does not hold in an object."""
    for fact in FACTS:
        if manifest["kind"] not in fact.kinds.split("|"):
            continue
        for value, element in _values(manifest, fact.path.split(), manifest["metadata"]):
            if not fact.holds(value, Scope(manifest, manifests, element)):
                yield fact.sentence.format(value=value, name=element.get("name"))


def _values(value: Any, path: Sequence[str], element: Manifest) -> Iterator[tuple[Any, Manifest]]:
    """The values at a path, each with the nearest element of a list that has a name."""
    if not path:
        yield value, element
    elif path[0] == "*":
        for child in value or ():
            named = isinstance(child, Mapping) and "name" in child
            yield from _values(child, path[1:], child if named else element)
    else:
        for key in path[0].split("|"):
            yield from _values(value.get(key) if isinstance(value, Mapping) else None, path[1:], element)


PODS = "Deployment|Job"
POD = "spec template spec"
CONTAINER = f"{POD} containers|initContainers *"
FACTS = (
    Fact(PODS, f"{POD} securityContext runAsNonRoot", is_one_of((True,)), "its pods must say runAsNonRoot"),
    Fact(
        PODS,
        f"{POD} securityContext seccompProfile type",
        is_one_of(("RuntimeDefault",)),
        "its pods must say seccompProfile RuntimeDefault",
    ),
    Fact(PODS, f"{POD} securityContext runAsUser", lambda user, _: user != 0, "its pods run as root"),
    Fact(
        PODS,
        f"{POD} securityContext fsGroupChangePolicy",
        is_one_of(("OnRootMismatch",)),
        "its pods must say fsGroupChangePolicy OnRootMismatch: a large volume would be walked at each start",
    ),
    Fact(PODS, f"{POD} hostNetwork", is_one_of((None, False)), "its pods share the node's hostNetwork"),
    Fact(PODS, f"{POD} hostPID", is_one_of((None, False)), "its pods share the node's hostPID"),
    Fact(PODS, f"{POD} hostIPC", is_one_of((None, False)), "its pods share the node's hostIPC"),
    Fact(PODS, f"{POD} volumes * hostPath", is_one_of((None,)), "its pods share the node's hostPath {name}"),
    Fact(
        PODS, f"{POD} enableServiceLinks", is_one_of((False,)), "its pods must say enableServiceLinks false"
    ),
    Fact(PODS, POD, token_is_off_or_used, "its pods must say automountServiceAccountToken false"),
    Fact(PODS, POD, mounts_are_volumes, "a container mounts a volume that is not there"),
    Fact(
        PODS, POD, ends_in_time, "terminationGracePeriodSeconds is less than preStop and the longest request"
    ),
    Fact(PODS, f"{POD} serviceAccountName", names_a("ServiceAccount"), "ServiceAccount {value} is not there"),
    Fact(
        PODS,
        f"{POD} volumes * persistentVolumeClaim claimName",
        names_a("PersistentVolumeClaim"),
        "PersistentVolumeClaim {value} is not there",
    ),
    Fact(
        PODS,
        f"{POD} topologySpreadConstraints * whenUnsatisfiable",
        is_one_of(("ScheduleAnyway", "DoNotSchedule")),
        "whenUnsatisfiable {value} is neither ScheduleAnyway nor DoNotSchedule",
    ),
    Fact(PODS, "spec template", finds_names, "its pods may send, but not ask for names (port 53)"),
    Fact(
        PODS,
        f"{CONTAINER} image",
        lambda image, _: DIGEST.search(image or ""),
        "image {value!r} is not pinned by its digest: run a release first",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext runAsUser",
        lambda user, _: user != 0,
        "container {name} runs as root",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext runAsNonRoot",
        is_one_of((None, True)),
        f"container {{name}} {_MORE}",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext privileged",
        is_one_of((None, False)),
        f"container {{name}} {_MORE}",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext capabilities add",
        is_one_of((None, [])),
        f"container {{name}} {_MORE}",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext capabilities drop",
        lambda drop, _: "ALL" in (drop or ()),
        f"container {{name}} {_LESS}",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext allowPrivilegeEscalation",
        is_one_of((False,)),
        f"container {{name}} {_LESS}",
    ),
    Fact(
        PODS,
        f"{CONTAINER} securityContext readOnlyRootFilesystem",
        is_one_of((True,)),
        "container {name} must have a read-only root",
    ),
    Fact(
        PODS,
        f"{CONTAINER} resources limits ephemeral-storage",
        lambda limit, _: limit,
        "container {name} has no limit of ephemeral-storage",
    ),
    Fact(PODS, f"{CONTAINER} ports * hostPort", is_one_of((None,)), "port {name} takes hostPort {value}"),
    Fact(PODS, f"{CONTAINER}", has_its_port, "container {name} opens another port than its program has"),
    Fact(
        PODS,
        f"{CONTAINER}",
        has_its_paths,
        "a probe of container {name} asks a path that its program has not",
    ),
    Fact(
        PODS,
        f"{CONTAINER} env * value",
        address_is_open,
        "{name} names {value}, a port that its Service has not",
    ),
    Fact(
        PODS,
        f"{CONTAINER} livenessProbe|startupProbe successThreshold",
        is_one_of((None, 1)),
        "the successThreshold of {name}'s liveness and start-up probes must be 1",
    ),
    Fact(
        "Deployment",
        "spec strategy rollingUpdate",
        one_way,
        "maxSurge and maxUnavailable are both 0: no pod changes",
    ),
    Fact("Job", "spec activeDeadlineSeconds", lambda seconds, _: seconds, "it has no activeDeadlineSeconds"),
    Fact(
        "Namespace",
        "metadata labels",
        lambda labels, _: (labels or {}).get(ENFORCE) == "restricted",
        f"{ENFORCE} must be restricted",
    ),
    Fact(
        "Namespace", "metadata labels", known_levels, "a label of Pod Security is none that Kubernetes knows"
    ),
    Fact(
        "PodDisruptionBudget",
        "spec",
        lambda spec, _: not {"minAvailable", "maxUnavailable"} <= spec.keys(),
        "minAvailable and maxUnavailable exclude each other",
    ),
    Fact(
        "PodDisruptionBudget",
        "spec unhealthyPodEvictionPolicy",
        is_one_of(("AlwaysAllow",)),
        "unhealthyPodEvictionPolicy must be AlwaysAllow: broken pods would keep a node from draining",
    ),
    Fact(
        "HorizontalPodAutoscaler", "spec scaleTargetRef", is_target, "the apiVersion of its target is another"
    ),
    Fact("RoleBinding", "roleRef name", names_a("Role"), "Role {value} is not there"),
    Fact("RoleBinding", "subjects * name", names_a("ServiceAccount"), "ServiceAccount {value} is not there"),
    Fact("Service", "spec", lets_somebody_in, "no network policy lets anybody ask its pods"),
    Fact("NetworkPolicy", "spec", ports_are_of_pods, "it names a port that its pods have not"),
    Fact("NetworkPolicy", "spec", lets_monitoring_in, "it does not let the namespace monitoring in"),
)
