"""deploy/ renders and fits Kubernetes' schemas; what files and code must agree on, they agree on."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from components.domain.errors import NotFound, StageFailed
from components.integrations.kubernetes import manifests
from tests.conftest import REPO, needs
from tests.deploy import golden
from tests.deploy.golden import FACTS, IMAGE, objects_of

OPERATORS = "monitoring.coreos.com/v1"  # of Prometheus; Kubernetes has no schema of them
RENAMED = '{"op": "replace", "path": "/spec/ports/0/targetPort", "value": "web"}'


def test_every_object_has_a_schema_and_fits_it() -> None:
    for name in golden.NAMES:
        objects = list(yaml.load_all(golden.golden_of(name).read_text(), yaml.CSafeLoader))
        assert objects
        for manifest in objects:
            if manifest["apiVersion"] != OPERATORS:
                kubernetes_validate.validate(manifest, "1.36", strict=True)  # a schema not found raises


def test_a_schema_that_is_not_found_is_a_failure() -> None:
    with pytest.raises(kubernetes_validate.utils.SchemaNotFoundError):
        kubernetes_validate.validate({"apiVersion": "v7", "kind": "Pod"}, "1.32", strict=True)


def test_a_release_pins_and_renders_every_overlay(deploy: Path, tmp_path: Path) -> None:
    manifests.render(deploy / "overlays", tmp_path, IMAGE, FACTS)
    assert {each.name for each in tmp_path.glob("*.yaml")} == {"dev.yaml", "full.yaml", "prod.yaml"}
    assert IMAGE in (tmp_path / "prod.yaml").read_text()
    assert (tmp_path / manifests.IMAGE).read_text() == IMAGE


def test_the_grace_of_a_pod_covers_its_last_sleep_and_the_longest_request(deploy: Path) -> None:
    (deployment,) = [each for each in objects_of(deploy, "overlays/prod") if each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    sleep, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    (longest_s,) = re.findall(r'"timeout": (\d+)', (REPO / "serving" / "service.py").read_text())
    assert sleep == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(seconds) + int(longest_s)


def test_a_slot_is_kept_as_long_as_a_night_may_wait_for_its_node() -> None:
    limits = yaml.safe_load((REPO / "prefect.yaml").read_text())["definitions"]["one_night"]
    assert (
        limits["grace_period_seconds"]
        == objects_of(REPO / "deploy", "job")[0]["spec"]["activeDeadlineSeconds"]
    )


def test_the_secrets_of_the_page_are_those_that_pods_name(tmp_path: Path) -> None:
    needs("kubectl", "openssl")
    page = (REPO / "docs" / "kubernetes.md").read_text().replace("\\\n", " ")
    (tmp_path / "basic_auth.ini").write_text("[mlflow]\n")
    secrets: dict[tuple[str, str], set[str]] = {}
    for command in re.findall(
        r"^ +(kubectl create secret (?:generic|docker-registry) .*)", page, re.MULTILINE
    ):
        done = subprocess.run(
            ["bash", "-c", f"{command} --dry-run=client -o yaml"],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        secret = yaml.safe_load(done.stdout)
        secrets[secret["metadata"]["namespace"], secret["metadata"]["name"]] = set(secret["data"])
    texts = [golden.golden_of(name).read_text() for name in ("full", "pipeline-full", "job")]
    named = set(
        re.findall(r"secret(?:Name: |(?:KeyRef|Ref):(?:\n +key: \w+)?\n +name: )([a-z-]+)", "".join(texts))
    )
    assert named == {name for _, name in secrets if name != "pull"}
    assert secrets["palate-dev", "palate-token"] == {"token"}
    assert secrets["palate-dev", "palate-store"] == {"url"}
    assert {"basic_auth.ini", "MLFLOW_BACKEND_STORE_URI"} <= secrets["palate-pipeline", "palate-mlflow"]
    assert {"PREFECT_API_URL", "PREFECT_API_KEY"} <= secrets["palate-pipeline", "palate-pipeline"]


def test_the_ways_in_of_the_page_agree_with_the_service(deploy: Path) -> None:
    page = (REPO / "docs" / "kubernetes.md").read_text()
    blocks = [textwrap.dedent(each) for each in re.findall(r"(?:^ {4}.*\n)+", page, re.MULTILINE)]
    overlay, ingress, route = (each for each in blocks if each.startswith("apiVersion"))
    mine = deploy / "overlays" / "mine"
    mine.mkdir()
    try:
        (mine / "kustomization.yaml").write_text(overlay)
        for way, wrong in ((ingress, "service: {name: palate"), (route, "backendRefs: [{name: palate")):
            (mine / "ingress.yaml").write_text(way)
            assert manifests.check(str(mine)).endswith("10 objects, all rules hold")
            (mine / "ingress.yaml").write_text(way.replace(wrong, f"{wrong}s"))
            with pytest.raises(StageFailed, match="Service palates is not there"):
                manifests.check(str(mine))
    finally:
        shutil.rmtree(mine)


def test_users_hold_an_overlay_of_their_own_against_the_rules(deploy: Path, tmp_path: Path) -> None:
    assert manifests.check(str(deploy / "overlays" / "full")).endswith("13 objects, all rules hold")
    theirs = deploy / "overlays" / "prod" / "kustomization.yaml"
    before = theirs.read_text()
    try:
        theirs.write_text(before + "patches:\n- {target: {kind: Service}, patch: '[" + RENAMED + "]'}\n")
        with pytest.raises(
            StageFailed, match=r"prod breaks a rule:\n  Service palate: nothing behind it opens"
        ):
            manifests.check(str(theirs.parent))
    finally:
        theirs.write_text(before)
    with pytest.raises(NotFound, match="There is no folder"):
        manifests.check(str(tmp_path / "nothing"))


def test_an_overlay_that_cannot_be_rendered_is_one_sentence(tmp_path: Path) -> None:
    needs("kubectl")
    (tmp_path / "overlays" / "broken").mkdir(parents=True)
    (tmp_path / "overlays" / "broken" / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(StageFailed, match="kubectl kustomize broken"):
        manifests.render(tmp_path / "overlays", tmp_path / "out", IMAGE, FACTS)
