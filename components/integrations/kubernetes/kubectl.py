"""kubectl: applies rendered manifests to a cluster, and watches the rollout of their Deployments."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml

from components.domain.errors import StageFailed
from components.integrations.kubernetes.pods import Unready, why_unready

_LAST_WORDS = 40
_TELLING = "deployments,pods,events"  # what is read after a time-out


def apply(manifests: Path, context: str) -> None:
    """Makes a cluster hold what a file of manifests says, even where others changed these fields.

    Args:
        manifests: File of all objects of one overlay.
        context: Name of kubectl's context; empty for the current one.

    Raises:
        StageFailed: The cluster cannot be reached, or refused an object; the message ends as kubectl's does.
    """
    process = _kubectl(context, "apply", "--server-side", "--force-conflicts", "-f", str(manifests))
    if process.returncode:
        raise StageFailed(
            f"`kubectl apply` of {manifests.name} ended with {process.returncode}: {_words(process)}"
        )


def why_not_rolled_out(manifests: Path, context: str, timeout_s: float) -> Unready | None:
    """Waits until all Deployments run only their new pods, and explains why one does not.

    None once all do.

    A pod counts once it is ready, and the service is ready once its own canary has passed.

    Args:
        manifests: File of all objects of one overlay, as it was applied.
        context: Name of kubectl's context; empty for the current one.
        timeout_s: Seconds to wait for each Deployment.

    Returns:
        Why the pods of the first Deployment whose rollout did not end are not ready.
    """
    for manifest in yaml.safe_load_all(manifests.read_text(encoding="utf-8")):
        if not manifest or manifest["kind"] != "Deployment":
            continue
        name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace", "default")
        options = ("--namespace", namespace, f"--timeout={timeout_s:.0f}s")
        process = _kubectl(context, "rollout", "status", f"deployment/{name}", *options)
        if process.returncode:
            late = f"deployment {namespace}/{name} did not roll out in {timeout_s:.0f} s"
            read = _kubectl(context, "get", _TELLING, "--namespace", namespace, "--output", "json")
            if read.returncode:
                words = f"{_words(process)}; its pods could not be read: {_words(read)}"
                return Unready(f"{late}: {words}", of_version=False)
            unready = why_unready(json.loads(read.stdout)["items"], name, timeout_s)
            return unready._replace(why=f"{late}: {unready.why}")
    return None


def _kubectl(context: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["--context", context] if context else []
    return subprocess.run(["kubectl", *options, *arguments], capture_output=True, text=True, check=False)


def _words(process: subprocess.CompletedProcess[str]) -> str:
    return " ".join((process.stdout + process.stderr).split()[-_LAST_WORDS:])
