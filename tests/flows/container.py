"""Debian's podman, buildah and docker, and a Python base image made from Debian packages.

All of it lies in a folder of its own.

No registry is reached: the base image that BentoML's generated Dockerfile names is made here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.flows.clones import free_ports, wait_for

BASE_IMAGE = "localhost/python:3.11-slim"
DOCKER_BASE_IMAGE = "localhost/python-with-tools:3.11-slim"
TOOLS = ("podman", "buildah", "runc", "mmdebstrap", "docker-registry")
LEAST_RIGHTS = (
    "--read-only", "--tmpfs", "/tmp", "-e", "BENTOML_HOME=/tmp/bentoml", "-e", "OMP_NUM_THREADS=2",
    "--user", "1034:1034", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "2g",
    "--pids-limit", "128", "--network", "host",
)  # fmt: skip
MOST_BYTES = 1_200_000_000  # of an image
TOKEN = "a-token-of-the-tests"  # noqa: S105  # nothing else knows it
ASK = {
    "person_id": "ada",
    "history": [{"dish": {"dish_id": "h", "name": "Salmon"}}],
    "dishes": [{"dish_id": "1", "name": "Beef"}, {"dish_id": "2", "name": "Trout"}],
}
CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_CONTAINERS = """
[containers]
default_ulimits=["nofile=16384:16384","nproc=16384:16384"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
"""
_BASE = """
FROM scratch
ADD rootfs.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -sf python3 /usr/bin/python
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt UV_FIND_LINKS=/build
ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/build
"""


@dataclass(frozen=True)
class Engine:
    """Where images and containers are kept.

    Attributes:
        env: Leads podman and buildah there.
        build: What a build mounts at /build: uv and torch's CPU wheel.
        registry: Address for a registry of images; plain HTTP is allowed.
        refusing: Another one, for a registry that refuses.
    """

    env: dict[str, str]
    build: Path
    registry: str
    refusing: str

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            list(command), env=os.environ | self.env, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done


def with_token(folder: Path) -> tuple[str, ...]:
    """Options of a container whose callers must send TOKEN, which lies in a file of the folder."""
    folder.chmod(0o755)  # the container's user is not the one who runs the tests
    (folder / "token").write_text(TOKEN)
    return "-v", f"{folder}:/run/palate:ro", "-e", "PALATE_TOKEN_FILE=/run/palate/token"


def start_engine(folder: Path) -> Engine:
    """Configures the engine and builds the base image (half a minute)."""
    (folder / "containers.conf").write_text(_CONTAINERS)
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver="overlay"\ngraphroot="{folder}/graph"\nrunroot="{folder}/run"\n'
    )
    registries = [f"127.0.0.1:{port}" for port in free_ports(2)]
    (folder / "registries.conf").write_text(
        "".join(f'[[registry]]\nlocation="{each}"\ninsecure=true\n' for each in registries)
    )
    env = {
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }
    engine = Engine(env, folder / "build", *registries)
    _tools(engine.build)
    base = folder / "base"
    base.mkdir()
    (base / "Containerfile").write_text(_BASE)
    authorities = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(authorities, base / "ca-certificates.crt")
    leave_out = ("doc", "man", "locale")
    unneeded = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in leave_out]
    engine.run(
        "mmdebstrap", "--variant=minbase", "--dpkgopt=force-unsafe-io", *unneeded,
        "--include=python3,python3-venv,ca-certificates", "bookworm", str(base / "rootfs.tar"),
        str(_sources()),
    )  # fmt: skip
    engine.run("buildah", "bud", "-q", "--network", "host", "-t", BASE_IMAGE, str(base))
    return engine


def start_registry(engine: Engine, folder: Path) -> subprocess.Popen[bytes]:
    """Debian's docker-registry, keeping its images in a folder."""
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": engine.registry},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(config))
    command = ["docker-registry", "serve", str(folder / "registry.yaml")]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_docker(engine: Engine, folder: Path) -> tuple[Engine, subprocess.Popen[bytes]]:
    """Debian's docker with an image that has the build's tools in it, since it mounts nothing in a build."""
    tools = folder / "Containerfile"
    tools.write_text(f"FROM {BASE_IMAGE}\nCOPY . /build\n")
    engine.run("buildah", "bud", "-q", "-f", str(tools), "-t", DOCKER_BASE_IMAGE, str(engine.build))
    engine.run("podman", "save", "-q", "-o", str(folder / "base.tar"), DOCKER_BASE_IMAGE)
    command = ["dockerd", "--bridge=none", "--iptables=false", "--host", f"unix://{folder}/docker.sock"]
    for name in ("data-root", "exec-root", "pidfile"):
        command += [f"--{name}", str(folder / name)]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    env = {"DOCKER_HOST": f"unix://{folder}/docker.sock", "PATH": f"/usr/bin:{os.environ['PATH']}"}
    docker = Engine(env, engine.build, engine.registry, engine.refusing)
    wait_for(lambda: docker.run("docker", "info", check=False).returncode == 0, 180, "dockerd")
    docker.run("docker", "load", "-q", "-i", str(folder / "base.tar"))
    (folder / "base.tar").unlink()
    return docker, daemon


def stop_docker(daemon: subprocess.Popen[bytes], folder: Path) -> None:
    """Ends the daemon and what it leaves mounted, which would keep the folder from being removed."""
    daemon.terminate()
    daemon.wait(60)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if each.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=True)


def _tools(folder: Path) -> None:
    """uv's binary, and torch's CPU build where pip keeps one on disk."""
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*pip, "uv==0.13.9", "torch==2.13.0"], check=True, capture_output=True)
    wheel = next(folder.glob("uv-*.whl"))
    shutil.unpack_archive(wheel, folder / "unpacked", "zip")
    shutil.copy(next((folder / "unpacked").glob("*/scripts/uv")), folder / "uv")
    (folder / "uv").chmod(0o755)
    shutil.rmtree(folder / "unpacked")
    wheel.unlink()


def _sources() -> Path:
    """Debian's own package sources of this machine, read when needed."""
    deb822 = Path("/etc/apt/sources.list.d/debian.sources")
    return deb822 if deb822.exists() else Path("/etc/apt/sources.list")
