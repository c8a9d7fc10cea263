"""Container engines: a Bento's image, built by `bentoml containerize` and identified by its digest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from components.domain.errors import BadParams, StageFailed

LAST_WORDS = 8  # lines of a failed command's output that the error message repeats


def build(bento: str, engine: str, image: str, options: Sequence[str], *, anew: bool = False) -> str:
    """Builds the image of a Bento unless it exists, and returns its digest (`sha256:…`).

    Args:
        engine: `docker`, `podman` or `buildah`.
        options: Options of the build as `key=value`, passed to `bentoml containerize` as `--opt`.
        anew: Whether to build even if an image of that name exists.

    Raises:
        BadParams: The engine is not on PATH.
        StageFailed: The build failed; the message has its last lines.
    """
    if not shutil.which(engine):
        raise BadParams(
            f"release.engine is {engine}, which is not on PATH: install it, or set release.engine to none."
        )
    existing = "" if anew else digest(engine, image)
    if existing:
        return existing
    layers = ("env", "BUILDAH_LAYERS=true") if engine == "buildah" else ()  # by default it alone keeps none
    command = [*layers, sys.executable, "-m", "bentoml", "containerize", bento, "--backend", engine]
    _run([*command, "-t", image, *(argument for option in options for argument in ("--opt", option))])
    built = digest(engine, image)
    if not built:
        raise StageFailed(f"{engine} built {image} and does not know it: is its storage shared?")
    return built


def digest(engine: str, image: str) -> str:
    """Looks up the image's digest in the engine's storage; empty where the storage lacks the image.

    Docker gives an image a digest only when it is pushed or pulled; until then this is the image's id.
    """
    inspect = ["inspect", "--type", "image"] if engine == "buildah" else ["image", "inspect"]
    output = _output([engine, *inspect, image])
    if not output:
        return ""
    description = json.loads(output)
    if engine == "buildah":
        return str(description["FromImageDigest"])
    if engine == "podman":
        return str(description[0]["Digest"])
    names = description[0].get("RepoDigests") or []  # NAME@sha256:…
    return str(names[0].rpartition("@")[2] if names else description[0]["Id"])


def names(engine: str, image: str) -> list[str]:
    """Lists names with tags of all images of that name in the engine's storage; empty without the engine."""
    if not shutil.which(engine):
        return []
    fields = "{{.Name}}:{{.Tag}}" if engine == "buildah" else "{{.Repository}}:{{.Tag}}"
    lines = _output([engine, "images", "--format", fields]).splitlines()
    ours = {image, f"localhost/{image}"}  # podman and buildah name images without a host so
    return sorted({line for line in lines if line.rpartition(":")[0] in ours})


def remove(engine: str, name: str) -> str:
    """Removes an image's name, and with its last name the image.

    Returns the reason if that failed, otherwise an empty text.
    """
    done = subprocess.run([engine, "rmi", name], capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split()) if done.returncode else ""


def push(engine: str, image: str) -> str:
    """Pushes an image to the registry in its name and returns its digest in the registry.

    Raises:
        StageFailed: The push failed; the message has the engine's last lines.
    """
    if engine == "docker":
        _run([engine, "push", image])
        return digest(engine, image)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as digest_file:
        _run([engine, "push", "--digestfile", digest_file.name, image])
        return digest_file.read().strip()


def _run(command: list[str]) -> None:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = (process.stdout + process.stderr).splitlines()[-LAST_WORDS:]
        words = " | ".join(line for line in lines if line.strip())
        if "closed pipe" in words:
            words += " (buildah's words for a full disk: make room)"
        raise StageFailed(f"`{' '.join(command[-6:])}` ended with {process.returncode}: {words}")


def _output(command: list[str]) -> str:
    """Runs a command and returns what it prints; empty where it fails."""
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.stdout if process.returncode == 0 else ""
