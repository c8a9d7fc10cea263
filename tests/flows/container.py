"""Debian's podman and buildah in a folder of their own, and a Python base image made from Debian packages.

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

from tests.flows.clones import free_ports

BASE_IMAGE = "localhost/python:3.11-slim"
TOOLS = ("podman", "buildah", "runc", "mmdebstrap", "docker-registry")
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
            list(command), env=os.environ | self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done


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
    known = Path("/etc/apt/sources.list.d/debian.sources")
    return known if known.exists() else Path("/etc/apt/sources.list")
