"""Generates palate-client, a typed Python client of the service, from its OpenAPI document (`make client`).

No service needs to run. openapi-python-client lives in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from serving.openapi import merged
from serving.service import Palate

HOME = Path(".palate/client")
SOURCE = HOME / "palate-client"
NAMES = {"project_name_override": "palate-client", "package_name_override": "palate_client"}


def main() -> None:
    """Writes the document, the client's source and its wheel."""
    document = merged(Palate.openapi_spec.asdict(), needs_token=False)  # type: ignore[attr-defined]
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    document["info"] = {"title": project["name"], "version": project["version"]}
    inputs = {HOME / "docs.json": document, HOME / "names.json": NAMES}
    for path, content in inputs.items():
        path.write_text(json.dumps(content), encoding="utf-8")
    path, config = inputs
    generate = f"generate --fail-on-warning --overwrite --meta setup --path {path} --config {config}"
    _run("openapi-python-client", *generate.split(), f"--output-path={SOURCE}")
    _run(
        "python",
        *["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"],
        f"--wheel-dir={HOME}",
        SOURCE,
    )


def _run(program: str, *arguments: str | Path) -> None:
    subprocess.run([HOME / "bin" / program, *arguments], check=True)


main()
