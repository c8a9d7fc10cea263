"""Container engines: the image of a Bento, built by `bentoml containerize`, named by its digest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from components.domain.errors import StageFailed

LAST_WORDS = 8  # lines of a failed build that its error message repeats


def build(bento: str, engine: str, image: str, options: Sequence[str], *, anew: bool = False) -> str:
    """Builds the image of a Bento unless it is there, and returns its digest (`sha256:…`).

    Args:
        bento: Tag in BentoML's store.
        engine: docker, podman or buildah.
        image: Name and tag of the image.
        options: Each one `--opt` of `bentoml containerize`, as `key=value`.
        anew: Build it even where an image of that name is there.

    Raises:
        StageFailed: No such engine here, or its last words.
    """
    if not shutil.which(engine):
        raise StageFailed(
            f"release.engine is {engine}, which is not on PATH: install it, or set release.engine to none."
        )
    known = "" if anew else digest(engine, image)
    if known:
        return known
    command = [sys.executable, "-m", "bentoml", "containerize", bento, "--backend", engine, "-t", image]
    _run([*command, *(part for option in options for part in ("--opt", option))])
    made = digest(engine, image)
    if not made:
        raise StageFailed(f"{engine} built {image} and does not know it: is its storage shared?")
    return made


def digest(engine: str, image: str) -> str:
    """The image's digest in the engine's storage; empty where it is not there."""
    if engine == "docker":
        told = _try(["docker", "image", "inspect", image])
        if not told:
            return ""
        found = json.loads(told)[0]
        pushed = [each.rpartition("@")[2] for each in found.get("RepoDigests") or []]
        return str(pushed[0] if pushed else found["Id"])
    kind = ["image", "inspect"] if engine == "podman" else ["inspect", "--type", "image"]
    told = _try([engine, *kind, image])
    if not told:
        return ""
    found = json.loads(told)
    return str(found[0]["Digest"] if engine == "podman" else found["FromImageDigest"])


def push(engine: str, image: str) -> str:
    """Pushes an image to the registry in its name and returns the digest that the registry knows it by.

    Raises:
        StageFailed: The engine's last words.
    """
    if engine == "docker":
        _run([engine, "push", image])
        return digest(engine, image)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as told:
        _run([engine, "push", "--digestfile", told.name, image])
        return told.read().strip()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " | ".join(
            line for line in (done.stdout + done.stderr).splitlines()[-LAST_WORDS:] if line.strip()
        )
        raise StageFailed(f"`{' '.join(command[-6:])}` ended with {done.returncode}: {words}")


def _try(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
