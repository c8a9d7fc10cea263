"""The image of a released version, built and run for real: what it answers, and what it may not do."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done, free_ports, http_status, post, wait_for
from tests.flows.container import ASK, BASE_IMAGE, LEAST_RIGHTS, MOST_BYTES, TOKEN, Engine, with_token
from tests.flows.releasing import Passes
from tests.flows.room import set_params
from tests.receiver import receiver

pytestmark = pytest.mark.slow
TRAINING_TOOLS = ("peft", "mlflow", "dvc", "prefect", "great_expectations", "pandas", "pyarrow", "git")


def _options(engine: Engine, *more: str) -> list[str]:
    return ["network=host", f"volume={engine.build}:/build:ro", *more]


@pytest.fixture(scope="module")
def image(promoted: Done, passes: Passes, engine: Engine) -> Iterator[str]:
    """The champion's image, made and pushed by a release pass; its name with the registry's digest."""
    params = promoted.clone / "params.yaml"
    before = params.read_text()
    set_params(
        promoted.clone, "release", engine="buildah", image=f"{engine.registry}/palate", push=True,
        base_image=BASE_IMAGE, torch_backend="",
        build_options=_options(engine),
    )  # fmt: skip
    bentos = promoted.clone / ".palate" / "bentoml" / "bentos" / "palate"
    for bento in bentos.glob("v*"):  # built for another base image
        engine.run("rm", "-r", str(bento))
    done = passes.run(promoted.clone, **engine.env)
    assert done.returncode == 0, done.stderr
    image = str(json.loads((promoted.clone / ".palate" / "released.json").read_text())["image"])
    engine.run("podman", "pull", "-q", image)  # as a node of a cluster does
    yield image
    params.write_text(before)


@pytest.fixture(scope="module")
def address(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running container with no rights that it does not need; yields its address once it is ready."""
    (port,) = free_ports(1)
    token = with_token(tmp_path_factory.mktemp("token"))
    options = ["-d", "--name", "served", "-e", f"PORT={port}", *token, *LEAST_RIGHTS]
    engine.run("podman", "run", *options, image)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: http_status(f"{address}/readyz") == 200, 180, "the container to be ready")
        yield address
    except AssertionError:
        pytest.fail(engine.run("podman", "logs", "served", check=False).stderr)


def test_the_image_is_small_and_named_by_its_digest(engine: Engine, image: str, promoted: Done) -> None:
    described = json.loads(engine.run("podman", "image", "inspect", image).stdout)[0]
    assert described["Size"] < MOST_BYTES
    assert image in (promoted.clone / ".palate" / "manifests" / "prod.yaml").read_text()
    assert image.split("@")[1].startswith("sha256:")


@pytest.fixture
def unreleased(promoted: Done, image: str) -> Iterator[None]:
    """A test changes params for the next pass, which finds that the release is not what they ask."""
    params = promoted.clone / "params.yaml"
    released = [
        promoted.clone / ".palate" / "bento",  # the running service is not harmed
        promoted.clone / ".palate" / "released.json",
        promoted.clone / ".palate" / "manifests" / "prod" / "kustomization.yaml",
    ]
    before, contents = params.read_text(), [path.read_text() for path in released]
    yield
    assert [path.read_text() for path in released] == contents
    params.write_text(before)


def test_a_registry_that_refuses_is_one_sentence(
    engine: Engine, image: str, promoted: Done, passes: Passes, unreleased: None
) -> None:
    tag = (promoted.clone / ".palate" / "bento").read_text().strip().partition(":")[2]
    engine.run("buildah", "tag", f"{engine.registry}/palate:{tag}", f"{engine.refusing}/palate:{tag}")
    set_params(promoted.clone, "release", image=f"{engine.refusing}/palate")
    host, port = engine.refusing.split(":")
    with receiver({"*": (403, "")}, host, int(port)):
        done = passes.run(promoted.clone, **engine.env)
    assert done.returncode == 1
    assert "403" in done.stderr.splitlines()[-1]
    assert "palate: `buildah push" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("full", "size"), [("the images'", "30m"), ("the Bentos'", "4m")])
def test_a_disk_that_is_full_during_the_build_is_one_sentence(
    engine: Engine, promoted: Done, passes: Passes, unreleased: None, tmp_path: Path, full: str, size: str
) -> None:
    if os.geteuid():
        pytest.skip("only root may mount the small disk")
    anew = _options(engine, "build-arg=BENTO_USER_UID=1099")  # else the layers are there already
    set_params(promoted.clone, "release", image="localhost/other", push=False, build_options=anew)
    engine.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(tmp_path))
    graph = Path(engine.env["CONTAINERS_STORAGE_CONF"]).parent / "graph"
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver="overlay"\ngraphroot="{tmp_path}/graph"\nrunroot="{tmp_path}/run"\n'
        f'[storage.options]\nadditionalimagestores=["{graph}"]\n'
    )
    env = {"CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf"), "TMPDIR": str(tmp_path)}
    if full == "the Bentos'":
        env = {"BENTOML_HOME": str(tmp_path)}
    try:
        done = passes.run(promoted.clone, **engine.env | env)
    finally:
        engine.run("umount", "-l", str(tmp_path))
    assert done.returncode == 1
    assert re.search("no space left on device|full disk", done.stderr.splitlines()[-1].lower())
    assert "Traceback" not in done.stderr


def test_rollback_renders_the_manifests_of_before_and_builds_nothing(
    engine: Engine, image: str, promoted: Done, passes: Passes, client: MlflowClient, second: str
) -> None:
    def move_to(version: str) -> tuple[str, str, str]:
        client.set_registered_model_alias("palate", "champion", version)
        done = passes.run(promoted.clone, **engine.env)
        assert done.returncode == 0, done.stderr
        released = json.loads((promoted.clone / ".palate" / "released.json").read_text())
        rendered = (promoted.clone / ".palate" / "manifests" / "prod.yaml").read_text()
        return released["image"], rendered, engine.run("buildah", "images", "--all", "--quiet").stdout

    params = promoted.clone / "params.yaml"
    by_buildah = params.read_text()
    params.write_text(by_buildah.replace("engine: buildah", "engine: podman"))
    newer, rendered, built = move_to(second)
    params.write_text(by_buildah)
    assert newer != image
    assert newer in rendered
    back, rendered, after = move_to("1")
    assert back == image
    assert image in rendered
    assert newer not in rendered
    assert after == built


def test_no_training_tool_is_in_the_image(engine: Engine, image: str) -> None:
    look = (
        "import importlib.util, shutil, sys;"
        "print([each for each in sys.argv[1:] if importlib.util.find_spec(each) or shutil.which(each)])"
    )
    python = ["podman", "run", "--rm", "--network", "none", "--entrypoint", "/app/.venv/bin/python", image]
    assert engine.run(*python, "-c", look, *TRAINING_TOOLS).stdout.strip() == "[]"
    assert engine.run(*python, "-c", look, "torch").stdout.strip() == "['torch']"


def test_the_container_ranks_and_proves_its_adapter(address: str) -> None:
    answer = post(f"{address}/rank", ASK, TOKEN)
    assert answer["answer_id"].startswith(f"palate:v{answer['model_version']}-")
    assert sorted(answer["order"]) == ["1", "2"]
    assert post(f"{address}/canary", {}, TOKEN)["passed"]


def test_the_container_is_nobody_and_can_write_nothing(engine: Engine, address: str) -> None:
    look = (
        "id -u; grep CapEff /proc/self/status; touch /home/bentoml/x /app/x /x; touch /tmp/x && echo scratch"
    )
    shell = engine.run("podman", "exec", "served", "sh", "-c", look)
    lines = shell.stdout.split("\n")
    assert lines[0] == "1034"
    assert int(lines[1].split()[1], 16) == 0
    assert lines[2] == "scratch"
    assert shell.stderr.count("Read-only file system") == 3


def test_sigterm_lets_requests_end_and_exits_zero(engine: Engine, address: str) -> None:
    orders: list[list[str]] = []
    requests = [
        threading.Thread(target=lambda: orders.append(post(f"{address}/rank", ASK, TOKEN)["order"]))
        for _ in range(8)
    ]
    for request in requests:
        request.start()
    wait_for(lambda: len(orders) > 0, 120, "the first answer")
    engine.run("podman", "stop", "--time", "30", "served")
    for request in requests:
        request.join(30)
    assert [sorted(order) for order in orders] == [["1", "2"]] * 8
    state = engine.run("podman", "inspect", "served", "--format", "{{.State.ExitCode}}")
    assert state.stdout.strip() == "0"


def test_the_rendered_pod_really_runs(engine: Engine, image: str, promoted: Done, tmp_path: Path) -> None:
    rendered = (promoted.clone / ".palate" / "manifests" / "prod.yaml").read_text()
    objects = filter(None, yaml.safe_load_all(rendered))
    pod = [each for each in objects if each["kind"] in {"ConfigMap", "Deployment"}]
    with_token(tmp_path)
    for manifest in pod:
        if manifest["kind"] == "Deployment":  # podman 4.3 knows no volume of a Secret
            spec = manifest["spec"]["template"]["spec"]
            (volume,) = [volume for volume in spec["volumes"] if "secret" in volume]
            del volume["secret"]
            volume["hostPath"] = {"path": str(tmp_path)}
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump_all(pod))
    engine.run("podman", "play", "kube", str(file))
    name = engine.run("podman", "ps", "--format", "{{.Names}}").stdout.split()
    container = next(each for each in name if each.endswith("palate"))
    ready = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:3000/readyz').status)"
    python = ["podman", "exec", container, "/app/.venv/bin/python", "-c"]
    wait_for(
        lambda: engine.run(*python, ready, check=False).stdout.strip() == "200", 60, "the pod to be ready"
    )
    running = json.loads(engine.run("podman", "inspect", container).stdout)[0]
    assert running["HostConfig"]["ReadonlyRootfs"]
    assert running["Config"]["User"].startswith("1034")
    engine.run("podman", "play", "kube", "--down", str(file))
