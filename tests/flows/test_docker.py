"""The same image by docker: built, pushed and run for real, and known by what the registry calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.integrations import images
from tests.conftest import needs
from tests.flows.clones import Done, free_ports, http_status, post, wait_for
from tests.flows.container import (
    ASK,
    DOCKER_BASE_IMAGE,
    LEAST_RIGHTS,
    MOST_BYTES,
    TOKEN,
    Engine,
    start_docker,
    stop_docker,
    with_token,
)
from tests.flows.releasing import Passes
from tests.flows.room import set_params

pytestmark = pytest.mark.weekly


@pytest.fixture
def docker(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    needs("dockerd", "docker")
    folder = tmp_path_factory.mktemp("docker")
    docker, daemon = start_docker(engine, folder)
    yield docker
    docker.run("docker", "rm", "--force", "served", check=False)
    stop_docker(daemon, folder)


def test_docker_builds_pushes_and_runs_what_a_release_pass_asks_for(
    promoted: Done, passes: Passes, docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = promoted.clone / "params.yaml"
    before = params.read_text()
    set_params(
        promoted.clone, "release", engine="docker", image=f"{docker.registry}/palate-by-docker", push=True,
        base_image=DOCKER_BASE_IMAGE, torch_backend="", build_options=["network=host"],
    )  # fmt: skip
    for bento in (promoted.clone / ".palate" / "bentoml" / "bentos" / "palate").glob("v*"):
        docker.run("rm", "-r", str(bento))  # built for another base image
    try:
        done = passes.run(promoted.clone, **docker.env)
    finally:
        params.write_text(before)
    assert done.returncode == 0, done.stderr
    image = json.loads((promoted.clone / ".palate" / "released.json").read_text())["image"]
    assert image in (promoted.clone / ".palate" / "manifests" / "prod.yaml").read_text()
    for name, value in docker.env.items():
        monkeypatch.setenv(name, value)
    assert images.digest("docker", image) == image.partition("@")[2]
    built, base = (
        json.loads(docker.run("docker", "image", "inspect", each).stdout)[0]
        for each in (image, DOCKER_BASE_IMAGE)
    )
    assert built["Size"] - base["Size"] < MOST_BYTES  # the base has the tools of a build in it
    assert images.digest("docker", DOCKER_BASE_IMAGE) == base["Id"]  # what was never pushed has no other
    assert images.digest("docker", "localhost/nothing:1") == ""
    (port,) = free_ports(1)
    options = ["-d", "--name", "served", "-e", f"PORT={port}", *with_token(tmp_path), *LEAST_RIGHTS]
    docker.run("docker", "run", *options, image)
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: http_status(f"{address}/readyz") == 200, 180, "the container to be ready")
    assert sorted(post(f"{address}/rank", ASK, TOKEN)["order"]) == ["1", "2"]
    assert post(f"{address}/canary", {}, TOKEN)["passed"]
