"""A stage runs again where code that its results depend on has changed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPO

SHELF = "components/integrations/"
# What shows results and never makes them.
SHOWING = {
    f"{SHELF}{name}.py" for name in ("__init__", "pages", "model_registry/runs", "model_registry/checksums")
}


def _imported(path: Path) -> set[str]:
    """The files of this repository that a module imports, and those that these import."""
    waiting, files = [path], set()
    while waiting:
        file = waiting.pop()
        if file in files:
            continue
        files.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("components"):
                parts = [REPO.joinpath(*node.module.split("."), *name) for name in _parts(node)]
                waiting += [one for part in parts for one in _files_of(part) if one.exists()]
    return {str(file.relative_to(REPO)) for file in files}


def _parts(node: ast.ImportFrom) -> list[tuple[str, ...]]:
    return [(), *((alias.name,) for alias in node.names)]


def _files_of(module: Path) -> tuple[Path, Path]:
    return module.with_suffix(".py"), module / "__init__.py"


@pytest.mark.parametrize("name", ["check", "split", "train", "evaluate"])
def test_a_stage_depends_on_all_integrations_that_it_imports(name: str) -> None:
    stage = yaml.safe_load((REPO / "dvc.yaml").read_text(encoding="utf-8"))["stages"][name]
    deps = stage.get("do", stage)["deps"]
    files = {file for file in _imported(REPO / f"components/stages/{name}.py") if file.startswith(SHELF)}
    assert len(files) > 1
    missing = {file for file in files - SHOWING if not any(f"{file}/".startswith(f"{dep}/") for dep in deps)}
    assert missing == set()
