"""The objects of the double, their watchers, and its only controller: rollouts of Deployments."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Thing = dict[str, Any]
Key = tuple[str, str, str, str]  # group, resource, namespace, name


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Store:
    """Objects by key, every change in order, and the images whose pods never get ready.

    Attributes:
        broken: By image, what makes the pods that do not get ready, with their events, of a namespace and a
            Deployment's template.
    """

    broken: dict[str, Callable[[str, Thing], Sequence[Thing]]] = field(default_factory=dict)
    rollout_s: float = 0.3
    things: dict[Key, Thing] = field(default_factory=dict)
    changes: list[tuple[Key, str, Thing]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def get(self, key: Key) -> Thing | None:
        with self.changed:
            return copy.deepcopy(self.things.get(key))

    def put(self, key: Key, thing: Thing) -> Thing:
        """Creates or changes an object: uid, creation, generation and version are the server's to give."""
        with self.changed:
            before = self.things.get(key)
            meta = thing["metadata"]
            old = before["metadata"] if before else {}
            meta["uid"] = old.get("uid") or meta.get("uid") or str(uuid.uuid4())
            meta["creationTimestamp"] = old.get("creationTimestamp") or meta.get("creationTimestamp") or now()
            same = before is not None and before.get("spec") == thing.get("spec")
            meta["generation"] = old.get("generation", 0) + (not same)
            if before and "status" in before and "status" not in thing:
                thing["status"] = before["status"]
            self._store(key, thing, "MODIFIED" if before else "ADDED")
        if key[1] == "deployments" and not same:
            threading.Thread(target=self._roll_out, args=(key, meta["generation"]), daemon=True).start()
        return copy.deepcopy(thing)

    def set_status(self, key: Key, status: Thing) -> None:
        with self.changed:
            self._store(key, self.things[key] | {"status": status}, "MODIFIED")

    def delete(self, key: Key) -> Thing | None:
        with self.changed:
            thing = self.things.get(key)
            if thing is not None:
                self._store(key, thing, "DELETED")
                del self.things[key]
            return thing

    def _store(self, key: Key, thing: Thing, change: str) -> None:
        thing["metadata"]["resourceVersion"] = str(len(self.changes) + 1)
        self.things[key] = thing
        self.changes.append((key, change, copy.deepcopy(thing)))
        self.changed.notify_all()

    def listed(self, group: str, resource: str, namespace: str) -> list[Thing]:
        with self.changed:
            return [
                copy.deepcopy(thing)
                for key, thing in self.things.items()
                if key[:2] == (group, resource) and namespace in {"", key[2]}
            ]

    def watched(
        self, group: str, resource: str, namespace: str, since: int, seconds: float
    ) -> Iterator[tuple[str, Thing]]:
        """Changes after a version, as they come, for so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with self.changed:
                if len(self.changes) <= since:
                    self.changed.wait(min(left, 0.5))
                news, since = self.changes[since:], max(since, len(self.changes))
            for key, change, thing in news:
                if key[:2] == (group, resource) and namespace in {"", key[2]}:
                    yield change, thing

    def _roll_out(self, key: Key, generation: int) -> None:
        """What the Deployment's controller reports: new pods get ready, unless their image is broken."""
        thing = self.get(key)
        assert thing is not None
        image = thing["spec"]["template"]["spec"]["containers"][0]["image"]
        replicas = thing["spec"].get("replicas", 1)
        good = image not in self.broken
        for pod_or_event in [] if good else self.broken[image](key[2], thing["spec"]["template"]):
            resource, name = f"{pod_or_event['kind'].lower()}s", pod_or_event["metadata"]["name"]
            self.put(("", resource, key[2], name), pod_or_event)
        self._report(key, generation, updated=0, available=replicas, of=replicas)
        time.sleep(self.rollout_s)
        current = self.get(key)
        if current is None or current["metadata"]["generation"] != generation:
            return  # a newer rollout has begun
        self._report(key, generation, updated=replicas, available=replicas, of=replicas + (not good))

    def _report(self, key: Key, generation: int, *, updated: int, available: int, of: int) -> None:
        counts = {
            "replicas": of,
            "updatedReplicas": updated,
            "readyReplicas": available,
            "availableReplicas": available,
        }
        self.set_status(key, {"observedGeneration": generation, **counts})
