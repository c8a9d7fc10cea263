"""The kubectl commands of docs/kubernetes.md, as they stand there, against the double of the API server.

`kubectl create` sends protobuf, which the double does not read: what it would send is applied instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.integrations.kubernetes import manifests
from tests.conftest import REPO, needs
from tests.deploy.cluster.api import Cluster, cluster
from tests.deploy.golden import FACTS, IMAGE
from tests.pages import commands_of

PAGE = "docs/kubernetes.md"
TO_A_KUBELET = ("kubectl top", "kubectl port-forward", "kubectl logs", "kubectl get gateways")
ACCOUNT = ("", "serviceaccounts", "palate-dev", "default")
INGRESS = ("", "namespaces", "", "ingress-nginx")
CONFIG = ("", "configmaps", "palate-dev", "NAME")
JOBS = ("batch", "jobs", "palate-pipeline")
CERTIFICATE = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=palate.example -keyout key -out cert"


@pytest.mark.slow
def test_the_server_takes_every_kubectl_command_of_the_page(tmp_path: Path) -> None:
    needs("kubectl", "openssl")
    shutil.copytree(REPO / "deploy", tmp_path / "deploy")
    manifests.render(tmp_path / "deploy" / "overlays", tmp_path / ".palate" / "manifests", IMAGE, FACTS)
    (tmp_path / "basic_auth.ini").write_text("[mlflow]\n")
    page = [each for each in commands_of(PAGE) if each.startswith(("kubectl", "TOKEN="))]
    page = [each for each in page if not each.startswith(TO_A_KUBELET)]
    applied = [
        each for each in page if each.startswith("kubectl apply")
    ]  # of which the first one makes palate-dev
    deleted = [each for each in page if each.startswith("kubectl delete")]
    with cluster() as double:
        double.store.put(INGRESS, _named("Namespace", "ingress-nginx"))
        _run(double, tmp_path, CERTIFICATE, applied[0])
        double.store.put(ACCOUNT, _named("ServiceAccount", "default"))
        output = _run(double, tmp_path, *applied, *(each for each in page if each not in applied + deleted))
        assert re.search(r"^[0-9a-f]{64}$", output, re.MULTILINE)  # the token
        for key, part in (
            (ACCOUNT, {"imagePullSecrets": [{"name": "pull"}]}),
            (INGRESS, {"kind": "Namespace"}),
        ):
            assert part.items() <= (double.store.get(key) or {}).items()
        assert (double.store.get(INGRESS) or {})["metadata"]["labels"] == {"palate/client": "true"}
        double.store.put(CONFIG, _named("ConfigMap", "NAME"))
        for name in ("NAME", "other"):
            job = _named("Job", name) | {
                "metadata": {"name": name, "labels": {"prefect.io/flow-run-name": name}}
            }
            double.store.put((*JOBS, name), job)
        _run(double, tmp_path, *deleted)
        assert double.store.get(CONFIG) is None
        assert [each["metadata"]["name"] for each in double.store.listed(*JOBS)] == ["other"]


def _named(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "batch/v1" if kind == "Job" else "v1", "kind": kind, "metadata": {"name": name}}


def _run(double: Cluster, folder: Path, *commands: str) -> str:
    """The output of the commands."""
    env = os.environ | {"KUBECONFIG": str(double.kubeconfig(folder / "kubeconfig"))}
    script = "set -eo pipefail\n"
    for each in commands:
        sent = " --dry-run=client -o yaml | kubectl apply -f -" if each.startswith("kubectl create") else ""
        script += f"{each.replace('cert=FILE', 'cert=cert').replace('key=FILE', 'key=key')}{sent}\n"
    done = subprocess.run(
        ["bash", "-c", f"{script}echo $TOKEN"], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
