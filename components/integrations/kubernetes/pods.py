"""Explains why the new pods of a Deployment are not ready: through their version, or through the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

Thing = Mapping[str, Any]
_ON_ITS_WAY = {None, "ContainerCreating", "PodInitializing"}  # what waiting containers say while all is well


class Unready(NamedTuple):
    """Why a rollout has not ended.

    Attributes:
        why: The pods' own reason.
        of_version: Whether a container of the version crashed or failed its readiness. A pod that never ran,
            for lack of a node, its image or a Secret, says nothing of its version.
    """

    why: str
    of_version: bool


def why_unready(things: Sequence[Thing], deployment: str, timeout_s: float) -> Unready:
    """Explains why a Deployment's new pods are not ready; a failure of the version itself comes first.

    Args:
        things: Deployments, Pods and Events of the Deployment's namespace.
        deployment: Name of the Deployment.
        timeout_s: Seconds that the pods had to get ready.
    """
    identity = ("Deployment", deployment)
    owner = next(each for each in things if (each["kind"], each["metadata"]["name"]) == identity)
    pods = [each for each in things if each["kind"] == "Pod" and _is_new(each, owner["spec"]["template"])]
    unready = [pod for pod in pods if _condition(pod, "Ready").get("status") != "True"]
    verdicts = [_why(pod, things, timeout_s) for pod in unready]
    failure = _condition(owner, "ReplicaFailure").get("message", "no pod says why")
    verdicts.append(Unready(failure, of_version=False))
    return next((each for each in verdicts if each.of_version), verdicts[0])


def _is_new(pod: Thing, template: Thing) -> bool:
    """Tells whether a pod belongs to the release in a Deployment's template, and is not being removed."""
    metas = [
        [thing["metadata"].get(key, {}) for thing in (template, pod)] for key in ("labels", "annotations")
    ]
    is_of_release = all(ours.items() <= theirs.items() for ours, theirs in metas)
    return is_of_release and "deletionTimestamp" not in pod["metadata"]


def _condition(thing: Thing, name: str) -> Thing:
    return next((each for each in thing["status"].get("conditions", []) if each["type"] == name), {})


def _why(pod: Thing, things: Sequence[Thing], timeout_s: float) -> Unready:
    """Explains why one pod is not ready.

    A version is not blamed if its container began to run in the second half of the time: it had too little
    time to get ready.
    """
    name = f"pod {pod['metadata']['name']}"
    warning = _last_warning(pod, things)
    waited_s = _seconds_until_it_ran(pod)
    if crash := next(_crashes(pod), ""):
        return Unready(f"{name}: {crash}", of_version=True)
    if waited_s is None:
        why = next(_hindrances(pod), warning or "its containers are being created")
        return Unready(f"{name}: {why}", of_version=False)
    if waited_s > timeout_s / 2:
        return Unready(f"{name}: it began to run only {waited_s:.0f} s after it was made", of_version=False)
    return Unready(f"{name}: it runs and is not ready. {warning}", of_version=True)


def _last_warning(pod: Thing, things: Sequence[Thing]) -> str:
    loud = [each for each in things if each["kind"] == "Event" and each.get("type") == "Warning"]
    of_pod = [event for event in loud if event["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    in_order = sorted(of_pod, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return _words(in_order[-1]) if in_order else ""


def _words(thing: Thing) -> str:
    return f"{thing.get('reason')}: {thing.get('message', '')}"


def _crashes(pod: Thing) -> Iterator[str]:
    """Yields a sentence for each container that ended, even if it runs again."""
    for status in pod["status"].get("containerStatuses", []):
        for state in (status.get("state", {}), status.get("lastState", {})):
            if end := state.get("terminated"):
                reason = f"{end.get('reason')}, exit code {end['exitCode']}"
                yield f"container {status['name']} ended ({reason}), {status['restartCount']} restarts"


def _seconds_until_it_ran(pod: Thing) -> float | None:
    """Computes the seconds from the pod's creation until all its containers ran; None while one does not."""
    states = [each.get("state", {}).get("running") for each in pod["status"].get("containerStatuses", [])]
    if not states or not all(states):
        return None
    start = max(datetime.fromisoformat(state["startedAt"]) for state in states)
    return (start - datetime.fromisoformat(pod["metadata"]["creationTimestamp"])).total_seconds()


def _hindrances(pod: Thing) -> Iterator[str]:
    """Yields the reasons in a pod's status why it does not run."""
    status = pod["status"]
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    waiting = [each.get("state", {}).get("waiting", {}) for each in containers]
    scheduled = _condition(pod, "PodScheduled")
    unscheduled = [scheduled] if scheduled.get("status") == "False" else []
    for state in [status, *unscheduled, *waiting]:  # an evicted pod has a reason of its own
        if state.get("reason") not in _ON_ITS_WAY:
            yield _words(state)
