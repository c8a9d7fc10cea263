"""What the code imports is declared in pyproject.toml, so that no other package's change takes it away."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import REPO

OURS = ("flows", "components", "serving")
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())


def _names(requirements: list[str]) -> set[str]:
    return {_plain(re.split(r"[\[<>=!~ ;]", requirement)[0]) for requirement in requirements}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # as PyPI compares names


def _imported(files: Iterable[Path]) -> set[str]:
    """Full names of modules, and of what is taken from them, which may be modules too."""
    modules = set()
    for node in (node for path in files for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def _files(group: str) -> set[Path]:
    """All files of ours, or those that the service imports."""
    if not group:
        return {path for folder in OURS for path in (REPO / folder).rglob("*.py")}
    files, new = set[Path](), {REPO / "serving" / "service.py", REPO / "serving" / "prove.py"}
    while new:
        files |= new
        paths = (REPO / module.replace(".", "/") for module in _imported(new))
        candidates = (file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py"))
        new = {file for file in candidates if file.is_file()} - files
    return files


@pytest.mark.parametrize("group", ["", "service"])
def test_every_import_is_declared(group: str) -> None:
    declared = PROJECT["dependency-groups"][group] if group else PROJECT["project"]["dependencies"]
    distributions = packages_distributions()
    modules = {name.partition(".")[0] for name in _imported(_files(group))} - {
        *sys.stdlib_module_names,
        *OURS,
    }
    assert {"numpy", "pydantic", "starlette"} <= modules
    missing = [name for name in modules if not set(map(_plain, distributions[name])) & _names(declared)]
    assert missing == []


@pytest.mark.parametrize(
    ("group", "lock"), [("", "requirements.lock"), ("service", "requirements-service.lock")]
)
def test_what_is_declared_is_pinned(group: str, lock: str) -> None:
    declared = PROJECT["dependency-groups"][group] if group else PROJECT["project"]["dependencies"]
    pinned = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", (REPO / lock).read_text(), re.MULTILINE))
    assert _names(declared) - pinned <= {"torch"}  # its builds have locks of their own
