"""A release reaches a cluster: by the real kubectl against a double of its API, or by a real git repository.

Not run here: a kubelet, so the double says when pods are ready; and Argo CD or Flux, which read the branch.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from components.domain.errors import BadParams, NotFound, StageFailed
from components.domain.params import Params
from components.domain.params_file import validate
from components.domain.verdict import admission
from components.integrations import manifest_branch
from components.integrations.kubernetes import kubectl
from components.integrations.model_registry.registry import CHAMPION, Registry
from flows.release import bento, delivery, reconciliation, rollout, withdrawal
from flows.release.delivery import Release
from flows.release.rollout import RolloutFailed, RolloutStopped
from tests.conftest import REPO, needs
from tests.deploy.cluster.api import Cluster, cluster
from tests.deploy.unready import CRASH, FULL, pods_of

NAME = "registry.example/palate"
GOOD, BAD = f"{NAME}@sha256:{'a' * 64}", f"{NAME}@sha256:{'b' * 64}"
WITHOUT_PODS = {
    "apiGroups": ["", "apps", "networking.k8s.io"],
    "resources": ["namespaces", "configmaps", "services", "deployments", "networkpolicies"],
    "verbs": ["get", "list", "watch", "patch"],
}
DEPLOYMENT = ("apps", "deployments", "palate-dev", "palate")


def params(**release: Any) -> Params:
    values = yaml.safe_load((REPO / "params.yaml").read_text())
    values["release"] |= {"engine": "podman", "push": True, "image": NAME, "deploy_timeout_s": 5} | release
    return validate(values, "params.yaml")


@dataclass
class Site:
    """A clone's deploy/ and state, and what a pass would do with them."""

    folder: Path

    def release(self, version: str, image: str, settings: Params) -> Release:
        packaged = bento.Packaged(f"palate:v{version}", version, new=True)
        return delivery.change_to(settings, packaged, image, "")

    @property
    def pinned(self) -> str:
        return (self.folder / "manifests" / "dev.yaml").read_text()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    needs("kubectl", "git")
    shutil.copytree(REPO / "deploy", tmp_path / "deploy")
    monkeypatch.setattr(delivery, "REPO", tmp_path)
    monkeypatch.setattr(delivery, "RENDERED", tmp_path / "manifests")
    monkeypatch.setattr(delivery, "RELEASED", tmp_path / "released.json")
    monkeypatch.setattr(bento, "BENTO_TAG", tmp_path / "bento-tag")
    return Site(tmp_path)


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with cluster() as state:
        monkeypatch.setenv("KUBECONFIG", str(state.kubeconfig(tmp_path / "kubeconfig")))
        yield state


def image_in(double: Cluster) -> str:
    deployment = double.store.get(DEPLOYMENT)
    assert deployment is not None
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_release_is_applied_and_recorded_once_its_pods_are_ready(site: Site, double: Cluster) -> None:
    double.store.rollout_s = 1.0
    release = site.release("3", GOOD, params(deploy="apply"))
    deployment = double.store.get(DEPLOYMENT)
    assert deployment is not None
    assert deployment["status"]["updatedReplicas"] == 1
    assert deployment["spec"]["template"]["metadata"]["labels"]["palate/model-version"] == "3"
    assert delivery.current() == release
    assert double.store.listed("apps", "deployments", "palate") == []  # prod is a person's to apply
    assert double.refused == []


@pytest.mark.parametrize(("gpu", "trial"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_release_brings_what_its_pods_need(site: Site, double: Cluster, gpu: bool, trial: bool) -> None:
    packaged = bento.Packaged("palate:v3", "3", new=True, trial=trial)
    delivery.change_to(params(deploy="apply", gpu=gpu), packaged, GOOD, "")
    deployment = double.store.get(DEPLOYMENT)
    assert deployment is not None
    limits = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert (limits.get("nvidia.com/gpu"), limits["memory"]) == (
        "1" if gpu else None,
        "2816Mi" if trial else "2Gi",
    )


def test_pods_that_do_not_get_ready_bring_the_manifests_of_before_back(site: Site, double: Cluster) -> None:
    settings = params(deploy="apply", deploy_timeout_s=2)
    before = site.release("3", GOOD, settings)
    pinned = site.pinned
    double.store.broken[BAD] = pods_of(CRASH)
    late = (
        r"version 4: deployment palate-dev/palate did not roll out in 2 s: pod palate-7\S+: container palate"
    )
    with pytest.raises(RolloutFailed, match=late):
        site.release("4", BAD, settings)
    assert image_in(double) == GOOD
    assert site.pinned == pinned
    assert delivery.current() == before


@pytest.mark.parametrize("hidden", [False, True])
def test_a_full_cluster_fails_the_pass_and_keeps_the_version(
    site: Site, double: Cluster, hidden: bool
) -> None:
    settings = params(deploy="apply", deploy_timeout_s=2)
    before = site.release("3", GOOD, settings)
    pinned = site.pinned
    double.store.broken[BAD] = pods_of(FULL)
    if hidden:  # who may roll out and not read pods gets no verdict on the version either
        double.roles["admin"] = [WITHOUT_PODS]
    words = "its pods could not be read" if hidden else "Unschedulable: 0/1 nodes are available"
    with pytest.raises(RolloutStopped, match=f"version 4, which keeps its alias: .*{words}") as caught:
        site.release("4", BAD, settings)
    assert not isinstance(caught.value, RolloutFailed)
    assert (image_in(double), site.pinned, delivery.current()) == (GOOD, pinned, before)


def test_a_cluster_that_refuses_is_no_fault_of_the_version(site: Site, double: Cluster) -> None:
    double.roles["admin"] = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "patch"]}]
    with pytest.raises(StageFailed, match="cannot patch resource") as caught:
        site.release("3", GOOD, params(deploy="apply"))
    assert not isinstance(caught.value, RolloutFailed)
    assert not delivery.RENDERED.exists()
    assert delivery.current() is None


def test_an_unknown_field_is_refused_as_a_server_does(tmp_path: Path, double: Cluster) -> None:
    needs("kubectl")
    path = tmp_path / "x.yaml"
    path.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\nspecs: {}\n")
    with pytest.raises(StageFailed, match="specs"):
        kubectl.apply(path, "double")


def test_an_overlay_that_is_not_there_is_named(site: Site, double: Cluster) -> None:
    with pytest.raises(NotFound, match="deploy_overlay is stage; deploy/overlays has dev, prod"):
        site.release("3", GOOD, params(deploy="apply", deploy_overlay="stage"))


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """The repository that Argo CD or Flux would follow."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "followed")], check=True)
    return tmp_path / "followed"


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_each_release_and_each_step_back_is_a_commit(site: Site, followed: Path) -> None:
    settings = params(deploy="commit", deploy_repository=str(followed))
    for version, image in (("3", GOOD), ("4", BAD), ("3", GOOD)):
        site.release(version, image, settings)
    assert _git(followed, "log", "--format=%s", "deploy").splitlines() == [
        "Release version 3 in dev", "Release version 4 in dev", "Release version 3 in dev",
    ]  # fmt: skip
    assert GOOD in _git(followed, "show", "deploy:dev/manifests.yaml")
    assert GOOD in _git(followed, "show", "deploy:waiting/prod/manifests.yaml")
    files = _git(followed, "ls-tree", "-r", "--name-only", "deploy").splitlines()
    assert files == ["dev/manifests.yaml", "waiting/prod/manifests.yaml"]  # prod is a person's to move


def test_what_a_person_committed_stays_and_nothing_new_is_no_commit(followed: Path) -> None:
    first = manifest_branch.commit(str(followed), "deploy", {"prod/manifests.yaml": "a: 1\n"}, "by a person")
    second = manifest_branch.commit(str(followed), "deploy", {"dev/manifests.yaml": "a: 2\n"}, "by a pass")
    assert (
        manifest_branch.commit(str(followed), "deploy", {"dev/manifests.yaml": "a: 2\n"}, "again") == second
    )
    assert _git(followed, "rev-parse", "deploy~1") == first
    assert _git(followed, "show", "deploy:prod/manifests.yaml") == "a: 1"


def test_a_repository_that_cannot_be_reached_keeps_the_pin_of_before(site: Site, tmp_path: Path) -> None:
    settings = params(deploy="commit", deploy_repository=str(tmp_path / "nothing"))
    with pytest.raises(StageFailed, match="git ls-remote"):
        site.release("3", GOOD, settings)
    assert not delivery.RENDERED.exists()


@pytest.mark.parametrize("release", [{"push": False}, {"engine": "none"}])
@pytest.mark.parametrize("deploy", ["apply", "commit"])
def test_what_no_cluster_can_pull_is_not_deployed(deploy: str, release: dict[str, Any]) -> None:
    with pytest.raises(BadParams, match="no cluster can pull"):
        params(deploy=deploy, **release)


@pytest.mark.parametrize(
    ("release", "end"),
    [
        ({"deploy": "apply"}, "; all its pods in dev are ready"),
        ({"deploy": "commit"}, "; committed for dev to the branch deploy"),
        ({"push": False}, "; no cluster can pull this image, since release.push is false"),
        ({}, ""),
    ],
)
def test_a_pass_says_how_far_the_release_got(release: dict[str, Any], end: str) -> None:
    needs("kubectl")
    assert rollout.what_became_of_it(params(**release)) == end


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def registry(uri: str, tmp_path: Path) -> Registry:
    """Two versions; the second is the champion."""
    client = MlflowClient(uri, uri)
    if client.search_registered_models():
        client.delete_registered_model("palate")
    client.create_registered_model("palate")
    for _ in range(2):
        client.create_model_version("palate", source=str(tmp_path))
    client.set_registered_model_alias("palate", CHAMPION, "2")
    return Registry(uri)


def released(version: str, image: str = GOOD) -> Release:
    return Release(version, f"palate:v{version}", image, "", "2026-11-25T00:00:00+00:00")


def test_a_version_whose_pods_do_not_get_ready_is_barred_and_the_alias_goes_back(registry: Registry) -> None:
    sentence = withdrawal.take_back(params(deploy="apply"), registry, "2", "not ready", released("1"))
    assert registry.alias("palate", CHAMPION) == "1"
    assert registry.tags("palate", "2")[admission.STEPPED_BACK] == "not ready"
    assert "moved back to version 1" in sentence


def test_two_versions_that_both_fail_do_not_take_turns(registry: Registry) -> None:
    registry.tag("palate", "1", admission.STEPPED_BACK, "its canary failed")
    with pytest.raises(StageFailed, match="does not go back to version 2"):
        withdrawal.take_back(params(deploy="apply"), registry, "2", "not ready", released("1"))
    assert registry.alias("palate", CHAMPION) == "2"


@pytest.mark.parametrize(
    ("deploy", "image", "tags"),
    [
        ("none", "", {admission.RELEASED}),  # this machine serves it
        ("none", GOOD, {admission.RENDERED}),
        ("commit", GOOD, {admission.RENDERED}),
        ("apply", GOOD, {admission.RENDERED, admission.RELEASED}),
    ],
)
def test_a_version_is_released_once_it_serves(
    registry: Registry, deploy: str, image: str, tags: set[str]
) -> None:
    settings = params(deploy=deploy, service="http://127.0.0.1:9")
    reconciliation._tag_as_released(settings, registry, released("2", image))
    assert set(registry.tags("palate", "2")) == tags
