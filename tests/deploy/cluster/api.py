"""A double of the Kubernetes API server over HTTP, for the real kubectl and Prefect's real worker.

It guarantees, as a real server does:
* An object that does not fit Kubernetes' own JSON schema is refused. An unknown field is refused where the
  caller asks for strict validation (kubectl does), and dropped where not (Prefect's worker).
* A namespace must exist before what is put into it; a volume's claim and a pod's service account must, too.
* Pods of a namespace that enforces `restricted` are held to that Pod Security level. A real server refuses
  the pods, the double already the Deployment or Job that would make them.
* A caller with a Role may do what the Role's rules say and nothing else (`roles`, by bearer token). kubectl
  sends no token over plain HTTP: who has none is `admin`.
* Lists, watches, generated names, generations and resource versions; a Deployment rolls out in
  `rollout_s` seconds, or never, where its image is among `broken`.

It does not: run pods, default fields, merge an applied object (it replaces the one that is there, but for its
status; what `kubectl label` and `kubectl patch` send is merged, lists as a whole), keep field managers apart,
read protobuf, check quotas, collect garbage, or speak TLS.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.deploy.cluster import admission, discovery
from tests.deploy.cluster.admission import Refused
from tests.deploy.cluster.discovery import KINDS
from tests.deploy.cluster.store import Key, Store, Thing


@dataclass
class Cluster:
    """The double while it runs: its objects, what was asked of it, and who may do what."""

    address: str = ""
    store: Store = field(default_factory=Store)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    roles: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def kubeconfig(self, path: Path, token: str = "admin") -> Path:  # noqa: S107
        """Writes the file that leads kubectl or a client here, as the caller with this token."""
        context = {"cluster": "double", "user": token}
        path.write_text(
            yaml.safe_dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "double",
                "clusters": [{"name": "double", "cluster": {"server": self.address}}],
                "users": [{"name": token, "user": {"token": token}}],
                "contexts": [{"name": "double", "context": context}],
            })
        )  # fmt: skip
        return path


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """The double, on a free port of loopback."""
    state = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()


@dataclass(frozen=True)
class _Call:
    """What a path asks for."""

    group: str
    api: str
    namespace: str
    resource: str
    name: str
    query: dict[str, str]

    @property
    def key(self) -> Key:
        return self.group, self.resource, self.namespace, self.name


def _call(path: str) -> _Call | None:
    url = urlsplit(path)
    parts = url.path.strip("/").split("/")
    api, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
    if not rest or api not in KINDS:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return _Call(api.rpartition("/")[0], api, namespace, rest[0], rest[1] if len(rest) > 1 else "", query)


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr."""

    def _answer(self) -> None:
        self.cluster.calls.append((self.command, self.path))
        try:
            self._send(*self._handled())
        except Refused as error:
            self.cluster.refused.append(f"{self.command} {self.path}: {error}")
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": str(error)}
            self._send(error.status, status | {"reason": error.reason, "code": error.status})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _send(self, status: int, body: Mapping[str, Any] | None) -> None:
        if body is None:
            return  # a watch has sent its own
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _handled(self) -> tuple[int, Mapping[str, Any] | None]:
        if "protobuf" in (self.headers.get("Content-Type") or ""):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            raise Refused(415, "UnsupportedMediaType", "this server reads JSON and YAML")
        body = yaml.safe_load(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        call = _call(self.path)
        if call is None:
            return 200, discovery.answer(urlsplit(self.path).path.strip("/").split("/"))
        caller = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or "admin"
        self.cluster.callers.add(caller)
        watch = call.query.get("watch") in {"true", "1"}
        reads = "watch" if watch else "get" if call.name else "list"
        verb = {"GET": reads, "POST": "create", "PATCH": "patch", "DELETE": "delete"}[self.command]
        admission.check_right(self.cluster.roles.get(caller), verb, call.group, call.resource)
        if verb == "watch":
            self._watch(call)
            return 200, None
        return _served(self.cluster.store, call, verb, body)

    def _watch(self, call: _Call) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        seconds = float(call.query.get("timeoutSeconds", 300))
        since = int(call.query.get("resourceVersion") or 0)
        if call.query.get("sendInitialEvents") == "true":
            since, things = len(self.cluster.store.changes), _listed(self.cluster.store, call)
            for thing in things:
                self._send_change("ADDED", thing)
            self._send_change("BOOKMARK", _end_of_list(call, since))
        store = self.cluster.store
        for change, thing in store.watched(call.group, call.resource, call.namespace, since, seconds):
            if _is_meant(call, thing):
                self._send_change(change, thing)

    def _send_change(self, change: str, thing: Mapping[str, Any]) -> None:
        self.wfile.write(json.dumps({"type": change, "object": thing}).encode() + b"\n")
        self.wfile.flush()


def _is_meant(call: _Call, thing: Thing) -> bool:
    labels = thing["metadata"].get("labels", {})
    asked = [each.split("=") for each in call.query.get("labelSelector", "").split(",") if each]
    if any(labels.get(name) != value for name, value in asked):
        return False
    return call.query.get("fieldSelector", f"metadata.name={thing['metadata']['name']}").endswith(
        f"={thing['metadata']['name']}"
    )


def _listed(store: Store, call: _Call) -> list[Thing]:
    return [each for each in store.listed(call.group, call.resource, call.namespace) if _is_meant(call, each)]


def _end_of_list(call: _Call, version: int) -> Thing:
    """The event that tells a client that it has seen all objects that were there when it began to watch."""
    meta = {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}}
    return {"kind": dict(KINDS[call.api])[call.resource], "apiVersion": call.api, "metadata": meta}


def _served(store: Store, call: _Call, verb: str, body: Thing) -> tuple[int, Mapping[str, Any]]:
    if verb == "list":
        kind, meta = dict(KINDS[call.api])[call.resource], {"resourceVersion": str(len(store.changes))}
        return 200, {
            "kind": f"{kind}List",
            "apiVersion": call.api,
            "metadata": meta,
            "items": _listed(store, call),
        }
    before = store.get(call.key)
    if verb == "patch" and before and "apiVersion" not in body:  # by kubectl label and kubectl patch
        body = _merged(before, body)
    if verb in {"get", "delete"}:
        if before is None:
            raise Refused(404, "NotFound", f"{call.resource} {call.name!r} not found")
        return 200, (store.delete(call.key) or {}) if verb == "delete" else before
    return 200 if before else 201, _admitted(store, call, body)


def _merged(before: Thing, change: Thing) -> Thing:
    return before | {
        name: _merged(before.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in change.items()
    }


def _admitted(store: Store, call: _Call, thing: Thing) -> Thing:
    """Creates or changes an object, after the checks that the module's docstring names."""
    meta = thing["metadata"]
    if "name" not in meta:
        meta["name"] = meta["generateName"] + secrets.token_hex(3)
    admission.check_schema(thing, strict=call.query.get("fieldValidation") == "Strict")
    if call.namespace:
        meta["namespace"] = call.namespace
        namespace = _existing(store, "", "namespaces", "", call.namespace)
        pod = admission.pod_of(thing)
        if pod is not None:
            admission.check_pod_security(pod, namespace)
            _check_references(store, call.namespace, pod["spec"])
    return store.put((call.group, call.resource, call.namespace, meta["name"]), thing)


def _existing(store: Store, *key: str) -> Thing:
    group, resource, namespace, name = key
    thing = store.get((group, resource, namespace, name))
    if thing is None:
        raise Refused(404, "NotFound", f'{resource} "{name}" not found')
    return thing


def _check_references(store: Store, namespace: str, spec: Mapping[str, Any]) -> None:
    if account := spec.get("serviceAccountName"):
        _existing(store, "", "serviceaccounts", namespace, account)
    for volume in spec.get("volumes", []):
        if claim := volume.get("persistentVolumeClaim"):
            _existing(store, "", "persistentvolumeclaims", namespace, claim["claimName"])
